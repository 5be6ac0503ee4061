using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>
/// A file that drops what it has created: something for the work in between, or the undo section of a tool whose marks nobody here
/// knows. It is for a person to say which.
/// </summary>
internal static class SelfUndoing
{
    // What a file makes for itself: no word is due for a temporary one.
    private static readonly string[][] Kinds =
    [
        ["TABLE"], ["FOREIGN", "TABLE"], ["VIEW"], ["MATERIALIZED", "VIEW"], ["SEQUENCE"], ["TYPE"], ["DOMAIN"], ["SCHEMA"], ["FUNCTION"],
        ["PROCEDURE"], ["AGGREGATE"], ["INDEX"], ["TRIGGER"], ["POLICY"], ["RULE"], ["EXTENSION"], ["ROLE"], ["PUBLICATION"],
    ];

    /// <summary>The first such object in words, and the line where it is dropped; null when there is none.</summary>
    internal static (string What, int Line)? In(MigrationScript script)
    {
        var made = new Dictionary<(string Kind, string Name), string?>();
        var dropped = new Dictionary<(string Kind, string Name), int>();
        foreach (var statement in script.Statements)
        {
            if (statement.Keywords is not ["CREATE" or "DROP" or "ALTER" or "DO", ..])
            {
                continue;
            }

            var line = new Lazy<int>(() => script.ExcerptAt(statement.Offset).Line);
            if (statement.Keywords is ["DO", ..])
            {
                if (RoutineBody.Of(statement) is { } body)
                {
                    WalkCode(body, made, dropped, line, depth: 0);
                }
            }
            else
            {
                var at = new SqlCursor(statement);
                Take(ref at, made, dropped, line);
            }
        }

        // A constraint that lets SET NOT NULL pass without a scan goes afterwards, as it should.
        var proof = script.Statements.Any(statement => statement.Span.Contains("SET NOT NULL", StringComparison.OrdinalIgnoreCase));
        return dropped.Where(drop => !(proof && drop.Key.Kind == "constraint")).OrderBy(drop => drop.Value)
            .Select(drop => ((string, int)?)($"the {drop.Key.Kind} {drop.Key.Name}", drop.Value)).FirstOrDefault();
    }

    /// <summary>The statements that code holds, and those in its strings, which EXECUTE may run.</summary>
    private static void WalkCode(
        string code, Dictionary<(string, string), string?> made, Dictionary<(string, string), int> dropped, Lazy<int> line, int depth)
    {
        if (!code.Contains("drop", StringComparison.OrdinalIgnoreCase) && !code.Contains("create", StringComparison.OrdinalIgnoreCase)
            && !code.Contains("alter", StringComparison.OrdinalIgnoreCase))
        {
            return;
        }

        var at = new SqlCursor(code);
        while (!at.AtEnd)
        {
            if (at.At("CREATE") || at.At("DROP") || at.At("ALTER"))
            {
                Take(ref at, made, dropped, line);
            }
            else if (depth < 2 && at.AcceptText() is { } text)
            {
                WalkCode(text, made, dropped, line, depth + 1);
            }
            else
            {
                at.Advance();
            }
        }
    }

    private static void Take(
        ref SqlCursor at, Dictionary<(string Kind, string Name), string?> made, Dictionary<(string Kind, string Name), int> dropped,
        Lazy<int> line)
    {
        if (at.Accept("CREATE"))
        {
            _ = at.Accept("OR", "REPLACE");
            _ = at.Accept("UNLOGGED") || at.Accept("UNIQUE") || at.Accept("CONSTRAINT") || at.Accept("RECURSIVE");
            if (KindAt(ref at) is { } kind)
            {
                _ = at.Accept("CONCURRENTLY");
                _ = at.Accept("IF", "NOT", "EXISTS");
                if (!at.At("AUTHORIZATION") && !at.At("ON") && at.AcceptName() is { Count: > 0 } name)
                {
                    made[(kind, name[^1])] = name.Count > 1 ? name[^2] : null;
                    dropped.Remove((kind, name[^1]));
                }
            }
        }
        else if (at.Accept("DROP"))
        {
            if (KindAt(ref at) is { } kind)
            {
                TakeDropped(ref at, kind, made, dropped, line);
            }
        }
        else if (at.Accept("ALTER") && at.Accept("TABLE"))
        {
            TakeActions(ref at, made, dropped, line);
        }
        else
        {
            at.Advance();
        }
    }

    private static void TakeDropped(
        ref SqlCursor at, string kind, Dictionary<(string Kind, string Name), string?> made,
        Dictionary<(string Kind, string Name), int> dropped, Lazy<int> line)
    {
        _ = at.Accept("CONCURRENTLY");
        _ = at.Accept("IF", "EXISTS");
        do
        {
            if (at.AcceptName() is not [.., var name])
            {
                return;
            }

            if (made.ContainsKey((kind, name)))
            {
                dropped.TryAdd((kind, name), line.Value);
            }

            if (kind == "schema")
            {
                // With CASCADE everything goes that was made in it.
                foreach (var within in made.Where(item => item.Value == name).Select(item => item.Key))
                {
                    dropped.TryAdd(within, line.Value);
                }
            }

            _ = at.AcceptParentheses();
        }
        while (at.AcceptSymbol(","));
    }

    private static void TakeActions(
        ref SqlCursor at, Dictionary<(string Kind, string Name), string?> made, Dictionary<(string Kind, string Name), int> dropped,
        Lazy<int> line)
    {
        _ = at.Accept("IF", "EXISTS");
        _ = at.Accept("ONLY");
        if (at.AcceptName() is not [.., var table])
        {
            return;
        }

        while (!at.AtEnd && !at.AcceptSymbol(";"))
        {
            var added = at.Accept("ADD");
            if (!added && !at.Accept("DROP"))
            {
                at.Advance();
                continue;
            }

            var kind = at.Accept("CONSTRAINT") ? "constraint" : "column";
            _ = at.Accept("COLUMN");
            _ = at.Accept("IF", "NOT", "EXISTS") || at.Accept("IF", "EXISTS");
            if (IsNoColumn(at) || at.AcceptName() is not [.., var name])
            {
                continue;
            }

            var key = (kind, $"{table}.{name}");
            if (added)
            {
                made[key] = null;
                dropped.Remove(key);
            }
            else if (made.ContainsKey(key))
            {
                dropped.TryAdd(key, line.Value);
            }
        }
    }

    /// <summary>ADD PRIMARY KEY (…), ALTER COLUMN c DROP NOT NULL: words that follow ADD or DROP and name no column.</summary>
    private static bool IsNoColumn(SqlCursor at)
        => at.At("PRIMARY") || at.At("UNIQUE") || at.At("FOREIGN") || at.At("CHECK") || at.At("EXCLUDE") || at.At("GENERATED")
            || at.At("NOT") || at.At("DEFAULT") || at.At("IDENTITY") || at.At("EXPRESSION");

    private static string? KindAt(ref SqlCursor at)
    {
        foreach (var kind in Kinds)
        {
            if (kind is [var word] ? at.Accept(word) : at.Accept(kind[0], kind[1]))
            {
                return string.Join(' ', kind).ToLowerInvariant();
            }
        }

        return null;
    }
}
