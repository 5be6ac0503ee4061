-- Every built-in type that a column can have, with the values that text, rounding and restoring like to spoil.
CREATE SCHEMA types;
CREATE TYPE types.mood AS ENUM ('sad', 'ok', 'it''s "fine", \ really', 'ümläut', '');
CREATE TYPE types.pair AS (x int, "Y z" timestamptz, m types.mood);
CREATE TYPE types.nest AS (p types.pair, many types.pair[], t text);
CREATE DOMAIN types.positive AS numeric(12,3) DEFAULT 1 CHECK (VALUE > 0);
CREATE DOMAIN types.positives AS types.positive[] CHECK (array_length(VALUE, 1) < 5);
CREATE DOMAIN types.pair_domain AS types.pair CHECK ((VALUE).x IS NULL OR (VALUE).x > -10);
CREATE TYPE types.span AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE TYPE types.words AS RANGE (subtype = text, collation = "C");

CREATE TABLE types.numbers (t bool, i2 int2, i4 int4, i8 int8, n numeric, n2 numeric(1000,500), f4 float4, f8 float8, m money, o oid, d types.positive);
INSERT INTO types.numbers VALUES
    (true, -32768, -2147483648, -9223372036854775808, 'NaN', 1e-500, 'NaN', 'NaN', '-92233720368547758.08', 0, 0.001),
    (true, 32767, 2147483647, 9223372036854775807, 1e130000 + 1e-16383, -1e499, '-0', '-0', '92233720368547758.07', 4294967295, 999999999.999),
    (true, 0, 0, 0, 1.000, 0.0, 'Infinity', '-Infinity', 0, 1, 1),
    (true, 0, 0, 0, 1, 0, 1.4e-45, 4.9406564584124654e-324, 0.01, 1, 1.0),
    (true, 0, 0, 0, 1.0, 0, 3.4028235e38, 1.7976931348623157e308, -0.01, 1, 1.000),
    (true, 0, 0, 0, 0.1, 0, 0.1, 0.1::float8 + 0.2::float8, 1, 1, 1),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE types.times (d date, t time, t3 time(3), tz timetz, ts timestamp, ts0 timestamp(0), tstz timestamptz, i interval, iy interval year to month);
INSERT INTO types.times VALUES
    ('infinity', '24:00', '23:59:59.9996', '24:00+15:59:59', 'infinity', '2000-01-01 12:00:00.5', 'infinity', '178000000 years', '-1 mon'),
    ('-infinity', '00:00', '00:00', '00:00-15:59:59', '-infinity', '2000-01-01 12:00:01.5', '-infinity', '-178000000 years', '1 year 13 mon'),
    ('4713-01-01 BC', '00:00:00.000001', '00:00', '12:00', '4713-01-01 00:00 BC', '294276-12-31', '4713-01-02 00:00 BC', '1 mon -30 days +24:00:00.000001', '0'),
    ('5874897-12-31', '12:00', '12:00', '12:00', '294276-12-31 23:59:59.999999', NULL, '294276-12-31 23:59:59.999999+00', '24 hours', '0'),
    ('0001-12-31 BC', '12:00', '12:00', '12:00', '2024-02-29', NULL, '2024-03-31 02:30:00.123456 Europe/Berlin', '1 day', '0'),
    ('1900-01-01', '12:00', '12:00', '12:00', '1900-01-01', NULL, '1883-11-18 12:03:58 America/New_York', '-1 mon +2 days -3:04:05', '0');

CREATE TABLE types.texts (t text, v varchar(5), c char(5), c1 char, q "char", n name, b bytea);
INSERT INTO types.texts VALUES
    ('', '', '', '', '', '', ''), (NULL, NULL, NULL, NULL, NULL, NULL, NULL), ('NULL', 'NULL', 'NULL', 'N', 'N', 'NULL', 'NULL'),
    (E'\\N', E'\\N', E'\\N', E'\\', E'\\', E'\\N', E'\\\\N'), (E'\\.', E'\\.', E'\\.', '.', '.', E'\\.', '\x5c2e0a'),
    (E'a\nb\r\nc\td\be\ff\vg\001h\177', E'\n\\.\n', E'\n', E'\n', E'\n', E'\n', '\x000d0a5c27222509ff'),
    (E'\n\\.\n\\.\n', ' x ', ' x ', 'ü', '~', repeat('ü', 31), decode(repeat('00', 3000), 'hex')),
    ('𝔘𝔫𝔦𝔠𝔬𝔡𝔢 👩‍👩‍👧‍👦 e' || U&'\0301' || ' é ' || U&'\202E' || 'rtl' || U&'\FEFF\200B\2028', '👩', '👩', '👩', 'x', '👩', '\xf0288c28'),
    ('{"a","b"}', '%s', '$1', '%', '%', '%n', '\x25'), (repeat('x', 10000), 'x', 'x', 'x', 'x', repeat('n', 63), '\x');

CREATE TABLE types.documents (j json, jb jsonb, jp jsonpath, x xml, v tsvector, q tsquery, u uuid);
INSERT INTO types.documents VALUES
    ('{"b" : 1,  "a":2, "a": 3}', '{"b":1,"a":[1.0,null,1e400,""],"\u00fc\n":{}}', 'strict $."a b"[*] ? (@ > 1 && @.x like_regex "^\\d+$" flag "i")',
     '<a x="1">ä<!-- c --><![CDATA[<&]]></a>', $$'it''s':1A 'back\\slash':2B,3 ''' ''':4$$, '''a b'' & !c:*AB <3> d', '00000000-0000-0000-0000-000000000000'),
    ('"\u0000"', 'null', '$', 'text only, two <b/> <b/>', '', 'x', 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
    (E' [1 ,\n\t2 ] ', '"\\ \t \" \u2028"', '$.**{2 to last}', '<?pi x?><r/>', 'a:1,2,16383', '!!a', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'),
    ('1', '12345678901234567890.1234567890', 'lax $[last]', NULL, NULL, NULL, NULL);

CREATE TABLE types.shapes (p point, l line, s lseg, b box, pa path, po polygon, c circle);
INSERT INTO types.shapes VALUES
    ('(1.5,-0)', '{1,2,-0}', '[(0,0),(1e300,-1e-300)]', '(1,1),(0,0)', '[(0,0),(1,1)]', '((0,0),(1,1),(2,0))', '<(0,0),1>'),
    ('(NaN,Infinity)', '{0,-1,3}', '[(1,2),(1,2)]', '(Infinity,1),(-Infinity,0)', '((0,0),(1,1),(-0,0.1))', '((1,1))', '<(NaN,1),0>'),
    ('(0.1,0.30000000000000004)', NULL, NULL, NULL, NULL, NULL, '<(1,1),Infinity>');

CREATE TABLE types.nets (i inet, c cidr, m macaddr, m8 macaddr8, b bit, b5 bit(5), vb varbit, vb3 varbit(3));
INSERT INTO types.nets VALUES
    ('10.0.0.1/8', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', B'1', B'10101', B'', B''),
    ('::ffff:1.2.3.4/128', '::/0', 'ff:ff:ff:ff:ff:ff', '00:00:00:00:00:00:00:00', B'0', B'00000', repeat('10', 500)::varbit, B'101'),
    ('fe80::1/64', '2001:db8::/32', NULL, NULL, NULL, NULL, X'FF', NULL);

CREATE TABLE types.arrays (i int[], t text[], dd date[], p types.pair[], m types.mood[], n numeric[][], b bytea[], e int[3], j jsonb[], ds types.positives, bx box[], v int2vector, ov oidvector);
INSERT INTO types.arrays VALUES
    ('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '', ''),
    ('[-2:0]={1,NULL,3}', ARRAY['NULL', NULL, '', ' ', 'a"b\c,{}', E'\n'], '{infinity}', ARRAY[ROW(1, 'infinity', '')::types.pair, NULL], '{sad,NULL,""}',
     '[0:1][5:6]={{1.0,NaN},{NULL,-0}}', ARRAY['\x00'::bytea, '\x5c22'], '{{{1,2}},{{3,4}}}', ARRAY['{"a": "\""}'::jsonb, 'null', NULL], ARRAY[1, 2.5]::types.positive[],
     '{(1,1),(0,0);(2,2),(0,0)}', '1 2 3', '0 4294967295'),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE types.composites (p types.pair, pd types.pair_domain, n types.nest, whole types.numbers);
INSERT INTO types.composites VALUES
    (ROW(NULL, NULL, NULL), ROW(1, NULL, 'sad'), ROW(ROW(1, '-infinity', ''), ARRAY[ROW(NULL, NULL, NULL)::types.pair, NULL], ''), NULL),
    (NULL, NULL, ROW(NULL, '{}', E'(),"\\\n'), (SELECT row FROM types.numbers row WHERE i2 = 32767));

CREATE TABLE types.ranges (i4 int4range, i8 int8range, n numrange, d daterange, t tsrange, tz tstzrange, s types.span, w types.words);
INSERT INTO types.ranges VALUES
    ('empty', 'empty', 'empty', 'empty', 'empty', 'empty', 'empty', 'empty'),
    ('(,)', '[1,)', '(,NaN]', '[-infinity,infinity)', '[infinity,infinity]', '["2024-03-31 01:00+00",)', '[-0,1e-300)', '["","a,b)""]"]'),
    ('[1,5]', '(-9223372036854775808,9223372036854775807)', '[1.00,1.000]', '[2024-01-01,2024-01-01]', '(,)', '(,infinity)', '(NaN,NaN]', '[NULL,NULLS)');

CREATE TABLE types.registers (c regclass, cl regcollation, co regconfig, di regdictionary, ns regnamespace, o regoper, os regoperator, p regproc, ps regprocedure,
    r regrole, t regtype, x xid, x8 xid8, ci cid, ti tid, l pg_lsn, sn pg_snapshot, tsn txid_snapshot, rc refcursor, acl aclitem, acls aclitem[]);
INSERT INTO types.registers VALUES
    ('types.numbers', '"C"', 'english', 'english_stem', 'types', '|/', '+(int4,int4)', 'pg_catalog.pg_backend_pid', 'pg_catalog.abs(numeric)', 'torture_owner',
     'types.pair[]', '4294967295', '18446744073709551615', '7', '(4294967295,65535)', 'FFFFFFFF/FFFFFFFF', '10:20:10,14,15', '10:20:10,14', '<c "1">',
     'torture_owner=r*w/torture_owner', '{=U/torture_owner}'),
    ('-', '-', '-', '-', '-', '0', '0', '-', '-', '-', '-', '0', '0', '0', '(0,0)', '0/0', '1:1:', '1:1:', '', NULL, '{}');

-- Too long for a page: compressed, out of line, out of line without compression.
CREATE TABLE types.toasted (id int, compressed text, outside text, kept bytea, j jsonb);
ALTER TABLE types.toasted ALTER outside SET STORAGE EXTERNAL, ALTER kept SET STORAGE EXTERNAL;
INSERT INTO types.toasted SELECT g, repeat('torture ' || g, 20000), (SELECT string_agg(md5((g * i)::text), '') FROM generate_series(1, 3000) i),
    decode((SELECT string_agg(md5((g + i)::text), '') FROM generate_series(1, 3000) i), 'hex'), to_jsonb(repeat('ä\', 30000)) FROM generate_series(1, 5) g;
