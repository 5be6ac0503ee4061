-- Built without blocking writers. PgOps sees that this statement refuses a transaction and runs the file statement by statement.

CREATE INDEX CONCURRENTLY customers_loyalty_idx ON customers (loyalty) WHERE loyalty <> 'none';
