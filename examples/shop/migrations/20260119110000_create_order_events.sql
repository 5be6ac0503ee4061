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
    IF NEW.state IS DISTINCT FROM OLD.state THEN
        INSERT INTO order_events (order_id, was, became) VALUES (NEW.id, OLD.state, NEW.state);
    END IF;
    RETURN NEW;
END
$body$;

CREATE TRIGGER orders_record_event AFTER UPDATE ON orders
    FOR EACH ROW EXECUTE FUNCTION record_order_event();
