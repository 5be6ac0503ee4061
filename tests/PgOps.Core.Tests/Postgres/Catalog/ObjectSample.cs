namespace PgOps.Core.Tests.Postgres.Catalog;

/// <summary>A schema with one of every kind of object, and with what a dump and a restore write differently.</summary>
internal static class ObjectSample
{
    /// <summary>Roles that it grants to; they belong to the cluster.</summary>
    internal const string Roles = """
        DO $$ BEGIN CREATE ROLE objects_owner; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
        DO $$ BEGIN CREATE ROLE "Objects reader"; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
        """;

    internal const string Sql = """"
        CREATE SCHEMA app; CREATE SCHEMA "Odd ""x"" schema" AUTHORIZATION objects_owner;
        COMMENT ON SCHEMA app IS 'It''s ours';
        REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO "Objects reader";
        CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA app; CREATE EXTENSION IF NOT EXISTS hstore;
        CREATE EXTENSION IF NOT EXISTS postgres_fdw;
        CREATE TYPE app.mood AS ENUM ('sad', 'ok', 'it''s fine'); ALTER TYPE app.mood ADD VALUE 'so so' BEFORE 'ok';
        CREATE TYPE app.pair AS (x int, y varchar(20) COLLATE "C");
        CREATE TYPE app.span AS RANGE (subtype = float8, subtype_diff = float8mi);
        CREATE DOMAIN app.email AS varchar(200) COLLATE "C" DEFAULT 'a@b' NOT NULL CONSTRAINT at CHECK (VALUE LIKE '%@%');
        ALTER DOMAIN app.email ADD CONSTRAINT short CHECK (length(VALUE) < 100) NOT VALID;
        CREATE COLLATION app.german (provider = icu, locale = 'de-DE');
        CREATE SEQUENCE app.loose AS smallint START 5 INCREMENT -2 MINVALUE -100 MAXVALUE 10 CYCLE CACHE 3;
        CREATE FUNCTION app.add(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT a + b $$;
        DO $x$ BEGIN EXECUTE 'CREATE FUNCTION app.modern(a int) RETURNS bigint LANGUAGE sql STABLE '
            || 'BEGIN ATOMIC SELECT count(*) FROM pg_catalog.pg_class c WHERE c.relname = a::text; END'; END $x$;
        CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp
            AS $$ BEGIN RETURN NEW; END $$;
        CREATE PROCEDURE app.work(INOUT n int) LANGUAGE plpgsql AS $$ BEGIN n := n + 1; END $$;
        CREATE AGGREGATE app.product(int) (SFUNC = int4mul, STYPE = int, INITCOND = '1');
        CREATE FUNCTION app.noted() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
        CREATE EVENT TRIGGER noted ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'DROP TABLE') EXECUTE FUNCTION app.noted();
        ALTER EVENT TRIGGER noted DISABLE;
        CREATE OPERATOR app.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
        CREATE CAST (app.mood AS int) WITH INOUT;
        CREATE TEXT SEARCH CONFIGURATION app.plain (COPY = pg_catalog.simple);
        CREATE TABLE app.customers (
            id bigint GENERATED ALWAYS AS IDENTITY (START 100) PRIMARY KEY, old int, status varchar(10) NOT NULL DEFAULT 'new',
            name text COLLATE "C" NOT NULL,
            mail app.email, feeling app.mood DEFAULT 'ok', born date, tags text[] DEFAULT '{}', place app.pair, doc jsonb, serial_no serial,
            total numeric(12,2) DEFAULT 0, gross numeric GENERATED ALWAYS AS (total * 1.19) STORED,
            made timestamptz DEFAULT (now() AT TIME ZONE 'utc'),
            CONSTRAINT known CHECK (status IN ('new', 'paid', 'it''s, (odd]')),
            CONSTRAINT sane CHECK (born BETWEEN '1900-01-01' AND current_date),
            CONSTRAINT numbers CHECK (total IN (0, 1, 2.5) OR total > 3 AND NOT (name ~~ 'x%' OR name IS NULL)),
            EXCLUDE USING gist (int8range(id, id + 1) WITH &&) DEFERRABLE INITIALLY DEFERRED,
            UNIQUE (name, born)) WITH (fillfactor = 70, autovacuum_enabled = off);
        ALTER TABLE app.customers DROP COLUMN old;
        ALTER TABLE app.customers ALTER doc SET STORAGE EXTERNAL, ALTER name SET STATISTICS 500, ALTER born SET (n_distinct = 100);
        ALTER TABLE app.customers ADD CONSTRAINT later CHECK (total < 1000000) NOT VALID;
        COMMENT ON COLUMN app.customers.name IS 'full name'; COMMENT ON CONSTRAINT known ON app.customers IS 'states';
        CREATE INDEX customers_lower ON app.customers (lower(name) text_pattern_ops, born DESC NULLS LAST) INCLUDE (total)
            WHERE status IN ('new', 'paid');
        CREATE INDEX customers_trgm ON app.customers USING gin (name app.gin_trgm_ops) WITH (fastupdate = off);
        CREATE INDEX customers_sort ON app.customers (name COLLATE app.german);
        ALTER TABLE app.customers CLUSTER ON customers_pkey;
        CREATE STATISTICS app.correlated (dependencies, ndistinct) ON status, born FROM app.customers;
        CREATE TABLE app.orders (id int PRIMARY KEY, customer bigint REFERENCES app.customers ON DELETE CASCADE DEFERRABLE,
            note text UNIQUE);
        ALTER TABLE app.orders ADD CONSTRAINT unproven FOREIGN KEY (customer) REFERENCES app.customers NOT VALID;
        ALTER TABLE app.orders REPLICA IDENTITY USING INDEX orders_pkey;
        CREATE TRIGGER touch BEFORE INSERT OR UPDATE OF note ON app.orders FOR EACH ROW WHEN (NEW.note IN ('a', 'b'))
            EXECUTE FUNCTION app.touch('x', '1');
        CREATE TRIGGER off AFTER DELETE ON app.orders EXECUTE FUNCTION app.touch(); ALTER TABLE app.orders DISABLE TRIGGER off;
        CREATE CONSTRAINT TRIGGER last AFTER INSERT ON app.orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.touch();
        ALTER TABLE app.orders ENABLE ALWAYS TRIGGER last;
        CREATE TABLE app.events (id int, at date NOT NULL, kind varchar, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
        CREATE TABLE app.events_1 PARTITION OF app.events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY HASH (id);
        CREATE TABLE app.events_1a PARTITION OF app.events_1 (CHECK (id > 0)) FOR VALUES WITH (MODULUS 1, REMAINDER 0);
        CREATE TABLE app.events_2 (kind varchar, gone int, id int NOT NULL, at date NOT NULL); ALTER TABLE app.events_2 DROP gone;
        ALTER TABLE app.events ATTACH PARTITION app.events_2 DEFAULT;
        CREATE INDEX events_kind ON app.events (kind); CREATE INDEX only_parent ON ONLY app.events (at, kind);
        ALTER TABLE app.events ADD FOREIGN KEY (id) REFERENCES app.orders;
        CREATE TABLE app.pointing (id int, at date, FOREIGN KEY (id, at) REFERENCES app.events);
        CREATE TRIGGER each AFTER INSERT ON app.events FOR EACH ROW EXECUTE FUNCTION app.touch();
        ALTER TABLE app.events_2 DISABLE TRIGGER each;
        CREATE TABLE app.parent (a int NOT NULL, b text DEFAULT 'x', CONSTRAINT up CHECK (a > 0));
        CREATE TABLE app.child (c int, CHECK (c < 5)) INHERITS (app.parent);
        CREATE TABLE app.twice (b text DEFAULT 'y', d int) INHERITS (app.parent);
        CREATE UNLOGGED TABLE app.volatile (x hstore, y hstore DEFAULT 'a=>1');
        CREATE TABLE app.typed OF app.pair (PRIMARY KEY (x));
        CREATE TABLE "Odd ""x"" schema"."Tab.le" ("Col.umn" int, "select" varchar DEFAULT 'it''s');
        ALTER TABLE "Odd ""x"" schema"."Tab.le" OWNER TO objects_owner;
        CREATE INDEX "Odd.index" ON "Odd ""x"" schema"."Tab.le" ("Col.umn") WHERE "select" <> ALL (ARRAY['a', 'b']);
        CREATE VIEW app.summary WITH (security_barrier) AS SELECT c.status, count(*) AS n, max(o.note)
            FROM app.customers c LEFT JOIN app.orders o ON o.customer = c.id
            WHERE c.status IN ('new', 'paid') AND c.born > date '2000-01-01' GROUP BY c.status HAVING count(*) > 1 ORDER BY 2 DESC;
        CREATE VIEW app.single AS SELECT name, id FROM app.customers WHERE born IS NOT NULL;
        ALTER VIEW app.single ALTER COLUMN name SET DEFAULT 'z';
        CREATE VIEW app.nested AS WITH x AS (SELECT id FROM app.orders WHERE id IN (SELECT id FROM app.events))
            SELECT *, row_number() OVER (ORDER BY id) FROM x;
        CREATE MATERIALIZED VIEW app.cached AS SELECT status, count(*) FROM app.customers GROUP BY 1;
        CREATE UNIQUE INDEX cached_status ON app.cached (status);
        CREATE MATERIALIZED VIEW app.stale AS SELECT * FROM app.orders WITH NO DATA;
        CREATE RULE quiet AS ON INSERT TO app.single DO INSTEAD INSERT INTO app.volatile (y) VALUES (NULL);
        ALTER TABLE app.customers ENABLE ROW LEVEL SECURITY; ALTER TABLE app.orders ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
        CREATE POLICY own ON app.customers FOR SELECT TO objects_owner, "Objects reader"
            USING (status IN ('new', 'paid') AND name = current_user);
        CREATE POLICY strict ON app.customers AS RESTRICTIVE FOR UPDATE USING (true) WITH CHECK (total > 0);
        CREATE POLICY asks ON app.orders USING (EXISTS (SELECT 1 FROM app.customers c WHERE c.id = customer AND c.status = 'new'));
        GRANT SELECT, INSERT ON app.customers TO "Objects reader";
        GRANT ALL ON app.orders TO "Objects reader" WITH GRANT OPTION;
        GRANT SELECT ON app.orders TO PUBLIC;
        GRANT UPDATE (name), SELECT (id, name) ON app.customers TO objects_owner; REVOKE DELETE ON app.events FROM CURRENT_USER;
        GRANT SELECT ON app.parent TO PUBLIC; REVOKE SELECT ON app.parent FROM PUBLIC;
        REVOKE EXECUTE ON FUNCTION app.add FROM PUBLIC; GRANT EXECUTE ON FUNCTION app.add TO "Objects reader";
        GRANT USAGE ON TYPE app.mood TO objects_owner;
        REVOKE USAGE ON TYPE app.email FROM PUBLIC;
        GRANT USAGE, SELECT ON SEQUENCE app.loose TO "Objects reader"; GRANT USAGE ON SCHEMA app TO PUBLIC;
        ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO "Objects reader";
        ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
        ALTER DEFAULT PRIVILEGES FOR ROLE objects_owner GRANT ALL ON SEQUENCES TO "Objects reader";
        ALTER FUNCTION app.add OWNER TO objects_owner; ALTER TYPE app.mood OWNER TO objects_owner;
        CREATE SERVER away FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'nowhere.invalid', dbname 'x', sslkey 'secret-in-server');
        CREATE USER MAPPING FOR objects_owner SERVER away OPTIONS (user 'u', password 'secret-in-mapping');
        CREATE FOREIGN TABLE app.far (a int OPTIONS (column_name 'b'), t varchar CHECK (t IN ('a', 'b')))
            SERVER away OPTIONS (table_name 'y');
        GRANT USAGE ON FOREIGN SERVER away TO "Objects reader";
        CREATE PUBLICATION all_of_it FOR ALL TABLES WITH (publish = 'insert'); CREATE PUBLICATION few FOR TABLE app.orders, app.typed;
        SELECT lo_from_bytea(4242, '\x0102'); COMMENT ON LARGE OBJECT 4242 IS 'bytes'; GRANT SELECT ON LARGE OBJECT 4242 TO objects_owner;
        INSERT INTO app.customers (name, mail) SELECT 'n' || g, 'n@' || g FROM generate_series(1, 10) g;
        INSERT INTO app.orders SELECT g, 100 + g, 'o' || g FROM generate_series(1, 5) g;
        """";
}
