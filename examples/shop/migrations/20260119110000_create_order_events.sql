-- Every change of an order's state leaves a trace.

CREATE TABLE order_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id bigint NOT NULL,
    was order_state,
    became order_state NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION record_order_event() RETURNS trigger
LANGUAGE plpgsql
SET search_path = public, pg_temp
AS $body$
BEGIN
    -- a semicolon; and a quote ' in a comment are no reason to stumble
    INSERT INTO order_events (order_id, was, became) VALUES (NEW.id, OLD.state, NEW.state);
    RETURN NULL;
END
$body$;

CREATE TRIGGER orders_record_event AFTER UPDATE OF state ON orders
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION record_order_event();
