using System.Text;

namespace PgOps.Core.Tests.Sql.Reference;

/// <summary>Random scripts from fragments that stress the lexical rules. The same seed gives the same scripts.</summary>
internal sealed class RandomSql(int seed, bool reservedLabels)
{
    private static readonly string[] Gaps =
    [
        " ", " ", " ", "\n", "\r\n", "\r", "\t", "\f", " \v", "  ", "-- c; ' \" $$ /*\n", "--\r", "--;\r\n", "/* ; ' \" $a$ -- */",
        "/* /* ; */ ' */", "/***/", "/**/", "/*/**/*/", "/*--*/", "/* é😀\n; */", "\n-- begin atomic (\n",
    ];

    private static readonly string[] Atoms =
    [
        "1", "1.5", ".5", "1.", "1e10", "1.5e-3", "1_000", "0x1F", "0b1_0", "0o17", "$1", "$12", "a", "b$c", "a$b$", "_x", "é", "日本",
        "\"q\"", "\"a;b\"", "\"a\"\"b'\"", "\"--\"", "\"/*\"", "\"é😀\"", "\"\\\"", "u&\"d\\0061t\"", "t.\"end\"", "''", "'a'", "';'",
        "'it''s;'", "'\\'", "'\\\\'", "'--'", "'/*'", "'$$'", "'\n;\n'", "'é😀;'", "E'\\''", "e'\\\\'", "E'a''b\\';'", "E'\\x41\\101;'",
        "E'\\u0041'", "N'n;'", "B'01'", "b''", "X'1F'", "U&'\\0061;'", "U&'\\\\'", "'a'\n';b'", "E'a'\n'\\';'", "'a'\r\n'b'",
        "$$;$$", "$$$a$$", "$$'$$", "$a$;$$;$a$", "$a$$b$$a$", "$_1$;'$_1$", "$é$;\"$é$", "$A$ $a$ ;$A$", "$x$\r\n--\n/*;$x$", "$$\\$$",
        "a[1]", "a[1:2]", "(1)", "f(1, 'x;')", "CASE WHEN a THEN 1 ELSE 2 END", "case a when 1 then ';' end", "a::int", "x.y",
        "(SELECT 1)", "true", "NULL", "f(a => 1)", "f(a := ';')", "ARRAY[1,2]",
    ];

    private static readonly string[] Operators =
    [
        "+", "-", "*", "/", "||", "=", "<>", "!=", "<=", ">=", "<", ">", "@>", "->", "->>", "#>", "&&", "~*", "!~", "@-@", "?|", "^", "%",
        "|/", "<->", "-|-", "AND", "OR", "IS DISTINCT FROM", "@", "#-", "~", "=-", "<+", "*-", "?-",
    ];

    private static readonly char[] Noise =
        ['\'', '"', '$', '\\', ';', '(', ')', '/', '*', '-', '\n', '\r', ' ', 'e', 'E', 'u', 'U', '&', 'n',
         'b', 'x', '1', '.', '_', 'a', 'é', ':', '@', '=', '+'];

    private readonly Random _random = new(seed);

    /// <summary>One script of up to six statements.</summary>
    public string Next()
    {
        var script = new StringBuilder();
        for (var count = _random.Next(1, 7); count > 0; count--)
        {
            script.Append(Maybe(0.1) ? "" : Statement(2)).Append(Maybe(0.5) ? Gap() : "").Append(count == 1 && Maybe(0.5) ? "" : ";")
                .Append(Maybe(0.5) ? Gap() : "");
        }

        return script.ToString();
    }

    /// <summary>The same with a few characters put in, taken out or doubled: rarely valid, often still lexable.</summary>
    public string NextMutated()
    {
        var script = new StringBuilder(Next());
        for (var count = _random.Next(1, 4); count > 0 && script.Length > 1; count--)
        {
            var at = _random.Next(script.Length);
            _ = _random.Next(3) switch
            {
                0 => script.Insert(at, Noise[_random.Next(Noise.Length)]),
                1 when !char.IsSurrogate(script[at]) => script.Remove(at, 1),
                _ when char.IsLowSurrogate(script[at]) => script,
                _ => script.Insert(at, Pick(Atoms)),
            };
        }

        return script.ToString();
    }

    private string Pick(string[] from) => from[_random.Next(from.Length)];

    private bool Maybe(double share) => _random.NextDouble() < share;

    private string Gap() => Maybe(0.15) ? Pick(Gaps) + Pick(Gaps) : Pick(Gaps);

    private string Glued(params string[] parts)
        => string.Join("", parts.SelectMany((part, index) => index == 0 ? [part] : new[] { Gap(), part }));

    private string Expression()
    {
        var text = new StringBuilder(Pick(Atoms));
        for (var count = _random.Next(3); count > 0; count--)
        {
            text.Append(Maybe(0.4) ? "" : Gap()).Append(Pick(Operators)).Append(Maybe(0.4) ? "" : Gap()).Append(Pick(Atoms));
        }

        return text.ToString();
    }

    private string Literal() => Pick(["'x;'", "E'\\';'", "$$ begin; end $$", "$f$ select ';' $f$", "'a'\n';b'", "N';'"]);

    private string Body(int depth)
    {
        var body = new StringBuilder("BEGIN" + Gap() + (Maybe(0.5) ? "ATOMIC" : "atomic") + Gap());
        for (var count = _random.Next(4); count > 0; count--)
        {
            body.Append(Maybe(0.2) ? Glued("RETURN", Expression()) : Statement(depth)).Append(Maybe(0.3) ? Gap() : "").Append(';')
                .Append(Gap());
        }

        return body.Append(Maybe(0.5) ? "END" : "end").ToString();
    }

    private string Statement(int depth) => _random.Next(depth > 0 ? 14 : 7) switch
    {
        0 or 1 or 2 => Glued("SELECT", Expression()),
        3 => Glued("SELECT", Expression(), reservedLabels ? Pick(["AS end", "AS case", "end", "AS \"end\"", "AS begin"]) : "AS x", ", a.b"),
        4 => Glued("INSERT INTO t VALUES (", Expression(), ",", Expression(), ")"),
        5 => Glued("UPDATE t SET a =", Expression(), "WHERE", Expression()),
        6 => Glued("DELETE FROM \"t;\" WHERE", Expression()),
        7 => Glued("CREATE", Maybe(0.5)
            ? "OR REPLACE"
            : "", Maybe(0.5) ? "FUNCTION" : "procedure", "f(a int DEFAULT (1))", "LANGUAGE sql", Body(depth - 1)),
        8 => Glued("CREATE RULE r AS ON INSERT TO t DO ALSO (", Statement(0), ";", Statement(0), ")"),
        9 => Glued("DO", Literal()),
        10 => Glued("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS", Literal()),
        11 => Pick(["BEGIN", "END", "COMMIT", "ROLLBACK", "START TRANSACTION"]),
        12 => Glued("CREATE FUNCTION f() RETURNS int RETURN", Expression()),
        _ => Glued("CREATE VIEW v AS SELECT", Expression()),
    };
}
