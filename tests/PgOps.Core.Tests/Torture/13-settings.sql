-- Settings of the database that change how values are read and written. $DATABASE is its name.
ALTER DATABASE $DATABASE SET DateStyle = 'SQL, DMY'; ALTER DATABASE $DATABASE SET IntervalStyle = 'sql_standard'; ALTER DATABASE $DATABASE SET TimeZone = 'Asia/Kathmandu';
ALTER DATABASE $DATABASE SET extra_float_digits = -15; ALTER DATABASE $DATABASE SET bytea_output = 'hex'; ALTER DATABASE $DATABASE SET xmlbinary = 'hex'; ALTER DATABASE $DATABASE SET xmloption = 'document';
ALTER DATABASE $DATABASE SET search_path = types, "a b", '', 'it''s'; ALTER DATABASE $DATABASE SET array_nulls = off;
ALTER DATABASE $DATABASE SET standard_conforming_strings = off; ALTER DATABASE $DATABASE SET backslash_quote = off; ALTER DATABASE $DATABASE SET transform_null_equals = on;
ALTER DATABASE $DATABASE SET default_transaction_read_only = on; ALTER DATABASE $DATABASE SET default_transaction_isolation = 'serializable'; ALTER DATABASE $DATABASE SET default_transaction_deferrable = on;
ALTER DATABASE $DATABASE SET statement_timeout = '3s'; ALTER DATABASE $DATABASE SET lock_timeout = '2s'; ALTER DATABASE $DATABASE SET idle_in_transaction_session_timeout = '1s';
ALTER DATABASE $DATABASE SET row_security = off; ALTER DATABASE $DATABASE SET client_min_messages = 'debug1'; ALTER DATABASE $DATABASE SET check_function_bodies = off;
ALTER DATABASE $DATABASE SET synchronize_seqscans = on; ALTER DATABASE $DATABASE SET session_replication_role = 'replica'; ALTER DATABASE $DATABASE SET "my.odd" = E'it''s\n\\ odd';
