using Npgsql;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Running;

/// <summary>
/// Whether a database holds what migrations make: a table or column of one that is not there tells that it was never run, unless a later
/// one drops or renames it.
/// </summary>
internal static class BaselineEvidence
{
    private const string Query = """
        SELECT g.i::int FROM pg_catalog.generate_subscripts($1::text[], 1) g(i)
        WHERE NOT EXISTS (
            SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relname = ($2::text[])[g.i] AND n.nspname !~ '^pg_(toast|temp)' AND ($1::text[])[g.i] IN ('', n.nspname)
                AND (($3::text[])[g.i] = '' OR EXISTS (
                    SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attname = ($3::text[])[g.i]
                        AND NOT a.attisdropped)))
        ORDER BY 1 LIMIT 1
        """;

    /// <summary>The oldest migration that makes what is not there.</summary>
    /// <param name="connection">A session.</param>
    /// <param name="files">The migrations, oldest first.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>It, and what it makes in words; null when all is there that can be told.</returns>
    internal static async Task<(MigrationFile File, string What)?> MissingAsync(
        NpgsqlConnection connection, IReadOnlyList<MigrationFile> files, CancellationToken cancellationToken)
    {
        var made = new List<(MigrationFile File, string Schema, string Table, string Column)>();
        var scripts = files.Where(file => file.Language is null)
            .Select(file => (File: file, SqlScript.Parse(file.PartOf(file.Text).Text, file.ConformingStrings).Statements)).ToList();
        foreach (var (file, statements) in scripts)
        {
            made.AddRange(statements.Select(MadeBy).OfType<(string, string, string)>()
                .Select(one => (file, one.Item1, one.Item2, one.Item3)));
        }

        var goes = scripts.SelectMany(script => script.Statements).Where(GoesOrMoves).ToList();
        made.RemoveAll(one => goes.Exists(statement => SqlSessionTraits.Mentions(statement, one.Table)
            && (one.Column.Length == 0 || !Names(statement) || SqlSessionTraits.Mentions(statement, one.Column))));
        if (made.Count == 0)
        {
            return null;
        }

        var missing = await connection.QueryAsync(
            Query, row => row.GetInt32(0), cancellationToken,
            made.Select(one => one.Schema).ToArray(), made.Select(one => one.Table).ToArray(), made.Select(one => one.Column).ToArray())
            .ConfigureAwait(false);
        return missing is not [var index]
            ? null
            : (made[index - 1].File, made[index - 1] is { Column.Length: > 0 } column
                ? $"the column {column.Column} of {column.Table}"
                : $"the table {made[index - 1].Table}");
    }

    private static (string Schema, string Table, string Column)? MadeBy(SqlStatement statement)
    {
        var at = new SqlCursor(statement);
        if (at.Accept("CREATE"))
        {
            _ = at.Accept("UNLOGGED");
            _ = at.Accept("TABLE") && at.Accept("IF", "NOT", "EXISTS");
            return statement.Keywords is ["CREATE", "TABLE", ..] or ["CREATE", "UNLOGGED", "TABLE", ..]
                && at.AcceptName() is { Count: > 0 } name
                ? (name.Count > 1 ? name[^2] : "", name[^1], "")
                : null;
        }

        if (!at.Accept("ALTER", "TABLE"))
        {
            return null;
        }

        _ = at.Accept("IF", "EXISTS");
        _ = at.Accept("ONLY");
        if (at.AcceptName() is not { Count: > 0 } table || !at.Accept("ADD") || (!at.Accept("COLUMN") && IsNoColumn(at)))
        {
            return null;
        }

        _ = at.Accept("IF", "NOT", "EXISTS");
        return at.AcceptName() is [var column] ? (table.Count > 1 ? table[^2] : "", table[^1], column) : null;
    }

    private static bool IsNoColumn(SqlCursor at)
        => at.At("CONSTRAINT") || at.At("PRIMARY") || at.At("UNIQUE") || at.At("FOREIGN") || at.At("CHECK") || at.At("EXCLUDE");

    /// <summary>Whether a statement takes something away, or gives it another name or place.</summary>
    private static bool GoesOrMoves(SqlStatement statement)
        => statement.Keywords is ["DROP", ..] or ["DO", ..]
            || (statement.Keywords is ["ALTER", ..]
                && (SqlSessionTraits.Mentions(statement, "drop") || SqlSessionTraits.Mentions(statement, "rename")
                    || (SqlSessionTraits.Mentions(statement, "set") && SqlSessionTraits.Mentions(statement, "schema"))));

    /// <summary>Whether what goes is a part of a table, so that its name must stand in the statement.</summary>
    private static bool Names(SqlStatement statement) => statement.Keywords is ["ALTER", ..];
}
