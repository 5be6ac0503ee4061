-- What PostgreSQL 16 and 17 brought.
CREATE TABLE types.negative_scale (n numeric(3,-3), u numeric(2,5)); INSERT INTO types.negative_scale VALUES (123456, 0.00012);
CREATE TABLE public.parted_identity (a int GENERATED ALWAYS AS IDENTITY, b int) PARTITION BY RANGE (b); CREATE TABLE public.parted_identity_1 PARTITION OF public.parted_identity FOR VALUES FROM (0) TO (10);
INSERT INTO public.parted_identity (b) VALUES (1), (2);
CREATE TABLE public.logins (who text); CREATE FUNCTION public.note_login() RETURNS event_trigger LANGUAGE plpgsql AS $f$ BEGIN INSERT INTO public.logins VALUES (session_user); END $f$;
