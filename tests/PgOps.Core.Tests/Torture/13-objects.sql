-- Objects of every kind, in the combinations that dumps and restores stumble over.
CREATE EXTENSION citext; CREATE EXTENSION hstore SCHEMA public; CREATE SCHEMA ext; CREATE EXTENSION btree_gist SCHEMA ext; CREATE EXTENSION pg_trgm SCHEMA ext;
CREATE EXTENSION file_fdw; CREATE EXTENSION postgres_fdw; CREATE EXTENSION ltree; CREATE EXTENSION tablefunc;
CREATE TABLE public.extended (c citext PRIMARY KEY, h hstore, l ltree);
INSERT INTO public.extended VALUES ('Ä', '"a\"b"=>NULL, b=>"x\\y"', 'a.b.c'), ('b', '', '');
CREATE INDEX ON public.extended USING gist ((c::text) ext.gist_trgm_ops);

-- Partitions: nested, default, by hash, list and several columns, with other column orders, detached ones.
CREATE TABLE public.events (at timestamptz NOT NULL, region text, id bigint GENERATED ALWAYS AS IDENTITY, note text, twice int GENERATED ALWAYS AS (length(note) * 2) STORED, PRIMARY KEY (id, at, region))
    PARTITION BY RANGE (at);
CREATE TABLE public.events_old PARTITION OF public.events FOR VALUES FROM (MINVALUE) TO ('2024-01-01+00') PARTITION BY LIST (region);
CREATE TABLE public.events_old_eu PARTITION OF public.events_old FOR VALUES IN ('de', 'it''s', '');
CREATE TABLE public.events_old_rest PARTITION OF public.events_old DEFAULT PARTITION BY HASH (id);
CREATE TABLE public.events_old_rest_0 PARTITION OF public.events_old_rest FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE public.events_old_rest_1 PARTITION OF public.events_old_rest FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE public.events_2024 (gone int, note text, twice int GENERATED ALWAYS AS (length(note) * 2) STORED, region text NOT NULL, id bigint NOT NULL, at timestamptz NOT NULL);
ALTER TABLE public.events_2024 DROP COLUMN gone;
ALTER TABLE public.events ATTACH PARTITION public.events_2024 FOR VALUES FROM ('2024-01-01+00') TO ('2025-01-01+00');
CREATE TABLE public.events_rest PARTITION OF public.events DEFAULT;
CREATE TABLE public.events_empty PARTITION OF public.events FOR VALUES FROM ('2030-01-01+00') TO (MAXVALUE);
INSERT INTO public.events (at, region, note) SELECT timestamptz '2022-01-01+00' + g * interval '5 days', (ARRAY['de', 'fr', '', 'it''s'])[g % 4 + 1], repeat('n', g % 7)
    FROM generate_series(1, 400) g;
CREATE INDEX events_note ON public.events (note);
CREATE INDEX events_waiting ON ONLY public.events (twice);
CREATE TABLE public.no_parts (a int) PARTITION BY LIST (a);
CREATE TABLE public.by_expression (a int, b text) PARTITION BY RANGE (lower(b), a);
CREATE TABLE public.by_expression_1 PARTITION OF public.by_expression FOR VALUES FROM (MINVALUE, MINVALUE) TO ('m', 5);
CREATE TABLE public.by_expression_2 PARTITION OF public.by_expression FOR VALUES FROM ('m', 5) TO (MAXVALUE, MAXVALUE);
INSERT INTO public.by_expression SELECT g, chr(96 + g) FROM generate_series(1, 26) g;
-- pg_dump loads these through their root, for an enum's hash goes with its oid.
CREATE TYPE public.colour AS ENUM ('red', 'green', 'blue', 'white', 'black');
CREATE TABLE public.by_enum (c public.colour, n int) PARTITION BY HASH (c);
CREATE TABLE public.by_enum_0 PARTITION OF public.by_enum FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE public.by_enum_1 PARTITION OF public.by_enum FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE public.by_enum_2 PARTITION OF public.by_enum FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO public.by_enum SELECT (enum_range(NULL::public.colour))[g % 5 + 1], g FROM generate_series(1, 100) g;

-- Inheritance: of several parents, merged and own columns, another default, a constraint that is not inherited.
CREATE TABLE public.base (a int DEFAULT 1, b text, CONSTRAINT only_base CHECK (a < 1000) NO INHERIT, CONSTRAINT all_of_them CHECK (a > -5));
CREATE TABLE public.other_base (b text, c int);
CREATE TABLE public.child (a int DEFAULT 2, d date) INHERITS (public.base, public.other_base);
CREATE TABLE public.grandchild () INHERITS (public.child);
ALTER TABLE public.base ADD COLUMN late text DEFAULT 'late';
INSERT INTO public.base SELECT g FROM generate_series(1, 10) g; INSERT INTO public.other_base VALUES ('b', 1), ('b', 1);
INSERT INTO public.child (a, d) SELECT 1000 + g, '2024-01-01' FROM generate_series(1, 20) g; INSERT INTO public.grandchild VALUES (5, 'x', 6, NULL);

-- Tables that are odd in themselves.
CREATE TABLE public.no_columns (); INSERT INTO public.no_columns SELECT FROM generate_series(1, 7);
CREATE TABLE public.only_generated (a int GENERATED ALWAYS AS (1 + 1) STORED); INSERT INTO public.only_generated DEFAULT VALUES; INSERT INTO public.only_generated DEFAULT VALUES;
CREATE TABLE public.dropped (gone1 text, a int, gone2 int, b text, gone3 text); INSERT INTO public.dropped VALUES ('x', 1, 2, 'y', 'z');
ALTER TABLE public.dropped DROP gone1, DROP gone2, DROP gone3; ALTER TABLE public.dropped ADD d date DEFAULT '2024-01-01';
CREATE TABLE public.empty (a int PRIMARY KEY, b text NOT NULL);
CREATE TABLE public.duplicates (a int, b text); INSERT INTO public.duplicates SELECT 1, 'same' FROM generate_series(1, 1000); INSERT INTO public.duplicates SELECT NULL, NULL FROM generate_series(1, 10);
CREATE UNLOGGED TABLE public.unlogged AS SELECT g AS a FROM generate_series(1, 3) g;
CREATE TYPE public.row_type AS (a int, b text); CREATE TABLE public.typed OF public.row_type (PRIMARY KEY (a)) WITH (fillfactor = 50, autovacuum_enabled = off);
INSERT INTO public.typed VALUES (1, 'x');
CREATE TABLE public.identities (a int GENERATED ALWAYS AS IDENTITY (START -5 INCREMENT -3 MINVALUE -1000 MAXVALUE -5 CYCLE), b bigint GENERATED BY DEFAULT AS IDENTITY, s serial, ss smallserial, t text);
INSERT INTO public.identities (t) SELECT 'x' FROM generate_series(1, 9); INSERT INTO public.identities (a, t) OVERRIDING SYSTEM VALUE VALUES (99, 'forced');
DO $$ BEGIN EXECUTE 'CREATE TABLE public.wide (' || (SELECT string_agg(format('c%s int', g), ', ') FROM generate_series(1, 1200) g) || ')'; END $$;
INSERT INTO public.wide (c1, c1200) VALUES (1, 1200);
CREATE TABLE public."select" ("from" int, "where" text, "user" text, "Mixed Case" int, "a.b" int, "a""b" int); INSERT INTO public."select" VALUES (1, 'x', 'y', 2, 3, 4);
CREATE SEQUENCE public.used INCREMENT 5 CACHE 10; SELECT nextval('public.used'), nextval('public.used');
CREATE SEQUENCE public.down AS smallint INCREMENT -1 MAXVALUE 10 START 10 CYCLE; CREATE SEQUENCE public.at_the_end; SELECT setval('public.at_the_end', 9223372036854775807);
CREATE SEQUENCE public.not_called; SELECT setval('public.not_called', 41, false);

-- Constraints and indexes: deferred, exclusion, not valid, circular, onto itself, included columns, expressions, partial, operator classes, replica identity, clustered.
CREATE TABLE public.hens (id int PRIMARY KEY, egg int NOT NULL); CREATE TABLE public.eggs (id int PRIMARY KEY, hen int NOT NULL REFERENCES public.hens DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE public.hens ADD FOREIGN KEY (egg) REFERENCES public.eggs ON DELETE CASCADE ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED;
BEGIN; INSERT INTO public.hens VALUES (1, 1); INSERT INTO public.eggs VALUES (1, 1); COMMIT;
CREATE TABLE public.tree (id int PRIMARY KEY, parent int REFERENCES public.tree, CONSTRAINT swap UNIQUE (parent, id) DEFERRABLE);
INSERT INTO public.tree SELECT g, nullif((g + 7) % 50, 0) FROM generate_series(1, 49) g;
CREATE TABLE public.bookings (room text, during tstzrange, price numeric, EXCLUDE USING gist (room WITH =, during WITH &&) WHERE (price > 0));
INSERT INTO public.bookings SELECT 'r' || g % 3, tstzrange(timestamptz '2024-01-01+00' + g * interval '1 day', timestamptz '2024-01-01+00' + (g + 1) * interval '1 day'), g FROM generate_series(1, 60) g;
INSERT INTO public.duplicates VALUES (-1, 'breaks it'); ALTER TABLE public.duplicates ADD CONSTRAINT later CHECK (a > 0) NOT VALID;
CREATE INDEX "odd (index)" ON public.duplicates (lower(b) text_pattern_ops DESC NULLS LAST, (a + 1)) INCLUDE (b) WITH (fillfactor = 70) WHERE a IS NOT NULL;
CREATE UNIQUE INDEX for_replicas ON public.empty (b); ALTER TABLE public.empty REPLICA IDENTITY USING INDEX for_replicas; ALTER TABLE public.tree REPLICA IDENTITY FULL;
ALTER TABLE public.tree CLUSTER ON tree_pkey; CREATE INDEX ON public.bookings USING brin (during); CREATE INDEX ON public.extended USING gin (h);
ALTER TABLE public.events ALTER note SET STATISTICS 500; ALTER TABLE public.tree ALTER parent SET (n_distinct = -0.5); ALTER INDEX public."odd (index)" ALTER COLUMN 2 SET STATISTICS 200;
CREATE STATISTICS public.both (ndistinct, mcv) ON a, b FROM public.duplicates;

-- Functions, triggers, rules, event triggers, operators, aggregates, casts.
CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $f$ BEGIN RAISE EXCEPTION 'a trigger fired: % %', TG_NAME, TG_OP; END $f$;
CREATE TRIGGER off BEFORE INSERT OR UPDATE OF a ON public.duplicates FOR EACH ROW WHEN (NEW.a > 5) EXECUTE FUNCTION public.touch('a', 'it''s \');
CREATE TRIGGER always AFTER INSERT ON public.duplicates REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION public.touch();
CREATE TRIGGER replica BEFORE TRUNCATE ON public.duplicates FOR EACH STATEMENT EXECUTE FUNCTION public.touch();
CREATE CONSTRAINT TRIGGER deferred AFTER DELETE ON public.tree DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.touch();
CREATE TRIGGER on_parts AFTER INSERT ON public.events FOR EACH ROW EXECUTE FUNCTION public.touch();
ALTER TABLE public.duplicates DISABLE TRIGGER off; ALTER TABLE public.duplicates ENABLE ALWAYS TRIGGER always; ALTER TABLE public.duplicates ENABLE REPLICA TRIGGER replica;
ALTER TABLE public.events_2024 DISABLE TRIGGER on_parts; ALTER TABLE public.eggs DISABLE TRIGGER ALL;
CREATE RULE also AS ON INSERT TO public.typed DO ALSO INSERT INTO public.duplicates VALUES (NEW.a, NEW.b); CREATE RULE nothing AS ON DELETE TO public.typed DO INSTEAD NOTHING;
CREATE RULE silent AS ON UPDATE TO public.typed DO INSTEAD NOTHING; ALTER TABLE public.typed DISABLE RULE silent;
CREATE FUNCTION public.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $f$ BEGIN RAISE EXCEPTION 'DDL is forbidden here: %', tg_tag; END $f$;
CREATE FUNCTION public.defaults(a int DEFAULT 1, VARIADIC rest text[] DEFAULT ARRAY['x'], OUT x int, OUT y text) RETURNS SETOF record LANGUAGE sql STABLE STRICT COST 5 ROWS 7 PARALLEL SAFE
    AS $f$ SELECT a, 'it''s $$ \n' $f$;
CREATE PROCEDURE public.proc(INOUT a int) LANGUAGE plpgsql AS 'BEGIN COMMIT; END';
CREATE AGGREGATE public.product(float8) (SFUNC = float8mul, STYPE = float8, INITCOND = '1', PARALLEL = safe);
CREATE OPERATOR public.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq, COMMUTATOR = OPERATOR(public.===));
CREATE FUNCTION public.to_colour(int) RETURNS public.colour LANGUAGE sql IMMUTABLE AS 'SELECT (enum_range(NULL::public.colour))[$1]'; CREATE CAST (int AS public.colour) WITH FUNCTION public.to_colour(int) AS ASSIGNMENT;
CREATE TEXT SEARCH CONFIGURATION public.plain (COPY = simple); CREATE COLLATION public.posix (provider = libc, locale = 'POSIX');
CREATE TABLE public.collated (a text COLLATE "C", b text COLLATE public.posix, PRIMARY KEY (b)); INSERT INTO public.collated VALUES ('ä', 'Z'), ('Z', 'a'), ('a', 'ä');
CREATE CONVERSION public.odd FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;

-- Views: one on another, recursive, with rules, with a check option, materialised ones on each other, unfilled ones.
CREATE VIEW public.first WITH (security_barrier) AS SELECT a, b, lower(b) AS l FROM public.duplicates WHERE a IN (1, 2) WITH CASCADED CHECK OPTION;
CREATE VIEW public.second AS SELECT f.*, t.id FROM public.first f LEFT JOIN public.tree t ON t.id = f.a;
CREATE RECURSIVE VIEW public.ancestors (id, parent, depth) AS SELECT id, parent, 0 FROM public.tree UNION ALL SELECT a.id, t.parent, a.depth + 1 FROM ancestors a JOIN public.tree t ON t.id = a.parent WHERE a.depth < 3;
CREATE MATERIALIZED VIEW public.z_first AS SELECT count(*) AS n FROM public.second; CREATE MATERIALIZED VIEW public.a_second AS SELECT n * 2 AS m FROM public.z_first;
CREATE UNIQUE INDEX ON public.a_second (m); CREATE MATERIALIZED VIEW public.unfilled AS SELECT 1 / 0 AS a WITH NO DATA;

-- Rights: owners, grants with options, on columns, default ones, row security in all its forms.
CREATE SCHEMA owned AUTHORIZATION torture_owner; CREATE TABLE owned.secret (a int, b text, who text DEFAULT current_user); INSERT INTO owned.secret SELECT g, 'b', 'nobody' FROM generate_series(1, 20) g;
ALTER TABLE owned.secret OWNER TO torture_owner; ALTER TABLE owned.secret ENABLE ROW LEVEL SECURITY; ALTER TABLE owned.secret FORCE ROW LEVEL SECURITY;
CREATE POLICY "all of 'em" ON owned.secret AS RESTRICTIVE FOR SELECT TO torture_reader, torture_owner USING (a > 15 AND who = current_user);
CREATE POLICY writing ON owned.secret FOR INSERT WITH CHECK (EXISTS (SELECT FROM public.tree WHERE id = a));
CREATE TABLE owned.guarded (a int); INSERT INTO owned.guarded VALUES (1), (2); ALTER TABLE owned.guarded ENABLE ROW LEVEL SECURITY;
GRANT USAGE ON SCHEMA owned TO torture_reader; GRANT SELECT (a), UPDATE (b) ON owned.secret TO torture_reader WITH GRANT OPTION; GRANT ALL ON public.tree TO PUBLIC; REVOKE ALL ON public.empty FROM CURRENT_USER;
REVOKE EXECUTE ON FUNCTION public.touch() FROM PUBLIC; REVOKE USAGE ON TYPE public.colour FROM PUBLIC; GRANT USAGE ON SEQUENCE public.used TO torture_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE torture_owner GRANT SELECT ON TABLES TO torture_reader; ALTER DEFAULT PRIVILEGES FOR ROLE torture_owner IN SCHEMA owned GRANT ALL ON SEQUENCES TO torture_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE torture_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- Large objects: none at all in it, small, larger than a page, owned and granted, with holes.
SELECT lo_create(424200), lo_from_bytea(424201, '\x00ff0a'), lo_from_bytea(424202, decode(repeat('00ff5c', 100000), 'hex')), lo_create(424203), lo_put(424203, 1000000, '\x01');
ALTER LARGE OBJECT 424201 OWNER TO torture_owner; GRANT SELECT ON LARGE OBJECT 424202 TO torture_reader; COMMENT ON LARGE OBJECT 424201 IS 'it''s large';

-- What lives elsewhere.
CREATE SERVER "files; ""odd""" FOREIGN DATA WRAPPER file_fdw; CREATE FOREIGN TABLE public.passwd (line text) SERVER "files; ""odd""" OPTIONS (filename '/nowhere/it''s', format 'text', delimiter E'\x01');
CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'nowhere.invalid', dbname 'x'); CREATE USER MAPPING FOR torture_reader SERVER far OPTIONS (user 'me', password 'never-shown');
CREATE FOREIGN TABLE public.far_away (a int OPTIONS (column_name 'b c'), b text) SERVER far OPTIONS (schema_name 's', table_name 't"t');
CREATE TABLE public.half_away (a int) PARTITION BY RANGE (a); CREATE FOREIGN TABLE public.half_away_1 PARTITION OF public.half_away FOR VALUES FROM (0) TO (10) SERVER far;
CREATE TABLE public.half_away_2 PARTITION OF public.half_away FOR VALUES FROM (10) TO (20); INSERT INTO public.half_away_2 VALUES (11), (12);
CREATE PUBLICATION everything FOR ALL TABLES WITH (publish = 'insert, delete', publish_via_partition_root); CREATE PUBLICATION "some; ""odd""" FOR TABLE public.tree, ONLY public.base;

-- Comments on everything that is not a table.
COMMENT ON COLUMN public.tree.parent IS E'it''s\n\\ "a" comment'; COMMENT ON INDEX public."odd (index)" IS ''; COMMENT ON INDEX public.events_note IS 'on an index'; COMMENT ON CONSTRAINT swap ON public.tree IS 'c';
COMMENT ON TRIGGER off ON public.duplicates IS 't'; COMMENT ON POLICY writing ON owned.secret IS 'p'; COMMENT ON RULE also ON public.typed IS 'r'; COMMENT ON FUNCTION public.defaults(int, text[]) IS 'f';
COMMENT ON TYPE public.colour IS 'e'; COMMENT ON DOMAIN types.positive IS 'd'; COMMENT ON SCHEMA owned IS 's'; COMMENT ON SEQUENCE public.used IS 'q'; COMMENT ON VIEW public.first IS 'v';
COMMENT ON MATERIALIZED VIEW public.z_first IS 'm'; COMMENT ON STATISTICS public.both IS 'st'; COMMENT ON PUBLICATION everything IS 'pub'; COMMENT ON SERVER far IS 'srv'; COMMENT ON FOREIGN TABLE public.passwd IS 'ft';
COMMENT ON AGGREGATE public.product(float8) IS 'agg'; COMMENT ON OPERATOR public.=== (text, text) IS 'op'; COMMENT ON CAST (int AS public.colour) IS 'cast'; COMMENT ON COLLATION public.posix IS 'coll'; COMMENT ON EXTENSION citext IS 'own words';
