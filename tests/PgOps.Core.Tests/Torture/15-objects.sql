-- What PostgreSQL 15 brought.
CREATE TABLE public.nulls_equal (a int, b int, UNIQUE NULLS NOT DISTINCT (a, b)); INSERT INTO public.nulls_equal VALUES (NULL, 1), (1, NULL);
CREATE VIEW public.invoker WITH (security_invoker) AS SELECT * FROM owned.guarded;
CREATE PUBLICATION narrow FOR TABLE public.tree (id, parent) WHERE (id > 5 AND parent IS NOT NULL); CREATE PUBLICATION by_schema FOR TABLES IN SCHEMA owned, "a b";
CREATE TABLE public.partly (a int, b int, PRIMARY KEY (a, b)); CREATE TABLE public.partly_ref (a int, b int, FOREIGN KEY (a, b) REFERENCES public.partly ON DELETE SET NULL (b));
CREATE UNLOGGED TABLE public.fast (a int GENERATED ALWAYS AS IDENTITY); INSERT INTO public.fast DEFAULT VALUES;
GRANT CREATE ON SCHEMA public TO torture_reader; ALTER SCHEMA public OWNER TO torture_owner;
