using Npgsql;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>Tells a masked copy from the original: the database's comment, which its owner can set, says so.</summary>
internal static class MaskMark
{
    private const string Beginning = "pgops.masked: ";

    private const string Query = """
        SELECT pg_catalog.shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()
        """;

    /// <summary>The comment of a masked copy.</summary>
    internal static string? Comment(string? masked) => masked is null ? null : Beginning + masked;

    /// <summary>What a copy made now says of itself.</summary>
    internal static string Describe(PgBackup backup)
        => FormattableString.Invariant($"{backup.Database} as of {backup.SnapshotAt:u}, masked {DateTime.UtcNow:u}");

    /// <summary>Reads the mark of the session's database.</summary>
    /// <returns>What it is a masked copy of; null for one that is not marked.</returns>
    internal static async Task<string?> ReadAsync(NpgsqlConnection session, CancellationToken cancellationToken)
    {
        var comment = await session.ScalarAsync<string>(Query, cancellationToken).ConfigureAwait(false);
        return comment is not null && comment.StartsWith(Beginning, StringComparison.Ordinal) ? comment[Beginning.Length..] : null;
    }
}
