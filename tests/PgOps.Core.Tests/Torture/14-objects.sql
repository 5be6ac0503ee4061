-- What PostgreSQL 14 brought.
INSERT INTO types.numbers (n) VALUES ('Infinity'), ('-Infinity');
CREATE TABLE types.multiranges (i4 int4multirange, i8 int8multirange, n nummultirange, d datemultirange, t tsmultirange, tz tstzmultirange, s types.span_multirange);
INSERT INTO types.multiranges VALUES ('{}', '{}', '{}', '{}', '{}', '{}', '{}'), (NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('{[1,2],[3,5),(,-7]}', '{(,)}', '{[1.00,2),(5,NaN]}', '{[-infinity,2024-01-01),[infinity,)}', '{[infinity,infinity]}', '{["2024-03-31 01:00+00",)}', '{[-0,1e-300),[5,5]}');
CREATE STATISTICS public.expressions ON (lower(b)), (a % 2) FROM public.duplicates;
CREATE FUNCTION public.atomic(a int) RETURNS bigint LANGUAGE sql STABLE BEGIN ATOMIC SELECT count(*) FROM public.tree WHERE id > a; SELECT atomic.a + count(*) FROM public.first; END;
CREATE PROCEDURE public.out_of(a int, OUT b int) LANGUAGE sql BEGIN ATOMIC SELECT a * 2; END;
CREATE TABLE public.compressed (a text COMPRESSION pglz); INSERT INTO public.compressed SELECT repeat('x', 10000);
