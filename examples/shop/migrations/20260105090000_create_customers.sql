-- Customers and what they may buy.

CREATE TYPE customer_kind AS ENUM ('person', 'company');

CREATE TABLE customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind customer_kind NOT NULL DEFAULT 'person',
    name text NOT NULL,
    email text NOT NULL,
    preferences jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE UNIQUE INDEX customers_email_key ON customers (lower(email));
CREATE INDEX customers_preferences_idx ON customers USING gin (preferences);

CREATE TABLE products (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku text NOT NULL UNIQUE,
    title text NOT NULL,
    price numeric(10, 2) NOT NULL CHECK (price >= 0),
    tags text[] NOT NULL DEFAULT '{}',
    price_with_tax numeric(12, 4) GENERATED ALWAYS AS (price * 1.19) STORED
);
