-- A few hundred thousand rows, the same on every machine.

INSERT INTO customers (kind, name, email, preferences, created_at)
SELECT CASE WHEN n % 7 = 0 THEN 'company' ELSE 'person' END::customer_kind,
       CASE WHEN n % 7 = 0 THEN 'Company №' ELSE 'Customer ' END || n,
       'customer' || n || '@shop.example',
       jsonb_build_object('newsletter', n % 3 = 0, 'language', (ARRAY['de', 'en', 'fr', '日本語'])[1 + n % 4]),
       timestamptz '2025-01-01 00:00+00' + n * interval '11 minutes'
FROM generate_series(1, 20000) n;

INSERT INTO products (sku, title, price, tags)
SELECT 'SKU-' || lpad(n::text, 5, '0'), 'Product ' || n, (100 + n * 37 % 9900) / 100.0, ARRAY['tag' || n % 9, 'tag' || n % 4]
FROM generate_series(1, 1000) n;

INSERT INTO orders (id, customer_id, state, note, placed_at)
SELECT n,
       1 + (n * 7919) % 20000,
       (ARRAY['placed', 'paid', 'shipped', 'cancelled'])[1 + (n * 31) % 4]::order_state,
       CASE WHEN n % 50 = 0 THEN E'leave it\tat the "back" door\\gate' END,
       timestamptz '2025-07-01 00:00+00' + n * interval '3 minutes'
FROM generate_series(1, 120000) n;

SELECT setval(pg_get_serial_sequence('orders', 'id'), 120000);

INSERT INTO order_lines (order_id, line_number, placed_at, product_id, quantity, price)
SELECT o.id, l, o.placed_at, p.id, 1 + (o.id + l) % 5, p.price
FROM orders o
CROSS JOIN generate_series(1, 2) l
JOIN products p ON p.id = 1 + (o.id * 13 + l * 101) % 1000;

UPDATE orders o SET total = s.total
FROM (SELECT order_id, sum(quantity * price) AS total FROM order_lines GROUP BY order_id) s
WHERE s.order_id = o.id;
