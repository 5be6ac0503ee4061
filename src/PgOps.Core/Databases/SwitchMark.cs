using System.Text.Json;
using Npgsql;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Databases;

/// <summary>
/// What the comment of a database that was put aside says in its first line, so that the way back is found; its own comment follows.
/// A setting of PgOps' own would say it better, but only a superuser may make one.
/// </summary>
/// <param name="Was">The name that it had.</param>
/// <param name="With">The name that its successor had before.</param>
/// <param name="By">The oid of its successor.</param>
/// <param name="At">When, in UTC.</param>
/// <param name="ReadOnly">Its own default_transaction_read_only before; null when it had none.</param>
/// <param name="Undo">Whether it was put aside by undoing a switch.</param>
internal sealed record SwitchMark(string Was, string With, uint By, DateTime At, string? ReadOnly, bool Undo)
{
    /// <summary>The setting that keeps a database read-only.</summary>
    internal const string Setting = "default_transaction_read_only";

    private const string Prefix = "pgops switch ";

    private const string MarkedQuery = """
        SELECT d.datname::pg_catalog.text, pg_catalog.shobj_description(d.oid, 'pg_database')
        FROM pg_catalog.pg_database d
        WHERE pg_catalog.shobj_description(d.oid, 'pg_database') LIKE 'pgops switch %'
        """;

    /// <summary>The databases of a server that were put aside when they bore this name, the last one first.</summary>
    internal static async Task<IReadOnlyList<(string Name, SwitchMark Mark)>> FindAsync(
        NpgsqlConnection session, string was, CancellationToken cancellationToken)
    {
        var all = await session.QueryAsync(
            MarkedQuery, row => (Name: row.GetString(0), Mark: Read(row.GetString(1)).Mark), cancellationToken).ConfigureAwait(false);
        return [.. all.Where(one => one.Mark?.Was == was).Select(one => (one.Name, one.Mark!)).OrderByDescending(one => one.Item2.At)];
    }

    /// <summary>Takes a comment apart.</summary>
    /// <returns>The mark, null when there is none; and the database's own comment, null when there is none.</returns>
    internal static (SwitchMark? Mark, string? Comment) Read(string? comment)
    {
        if (comment is null || !comment.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return (null, comment);
        }

        var lines = comment[Prefix.Length..].Split('\n', 2);
        try
        {
            return (JsonSerializer.Deserialize<SwitchMark>(lines[0]), lines.Length > 1 ? lines[1] : null);
        }
        catch (JsonException)
        {
            return (null, comment);
        }
    }

    /// <summary>The comment that carries the mark.</summary>
    /// <param name="comment">The database's own.</param>
    internal string Write(string? comment) => Prefix + JsonSerializer.Serialize(this) + (comment is null ? "" : "\n" + comment);
}
