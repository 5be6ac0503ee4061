using System.Globalization;
using System.Text;
using Npgsql;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>Reads where the sequences stand. Sequences obey no snapshot: the positions are those of the moment.</summary>
internal static class SequencePositions
{
    private const int PerQuery = 200;

    private const string Candidates = """
        SELECT n.nspname::text, c.relname::text, s.seqincrement
        FROM pg_catalog.pg_sequence s
        JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
          AND NOT (pg_catalog.pg_is_in_recovery() AND c.relpersistence = 'u')
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                           WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.objsubid = 0
                             AND d.deptype = 'e')
        """;

    /// <summary>Reads them, ordered by schema and name.</summary>
    /// <param name="connection">A session.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="wanted">Says by schema and name which to read; null reads all.</param>
    internal static async Task<IReadOnlyList<PgSequencePosition>> ReadAsync(
        NpgsqlConnection connection, CancellationToken cancellationToken, Func<string, string, bool>? wanted = null)
    {
        var sequences = await connection.QueryAsync(
            Candidates,
            row => (Schema: row.GetString(0), Name: row.GetString(1), Increment: row.GetInt64(2)),
            cancellationToken).ConfigureAwait(false);
        var positions = new List<PgSequencePosition>(sequences.Count);
        foreach (var some in sequences
            .Where(sequence => wanted?.Invoke(sequence.Schema, sequence.Name) != false)
            .OrderBy(sequence => sequence.Schema, StringComparer.Ordinal).ThenBy(sequence => sequence.Name, StringComparer.Ordinal)
            .Chunk(PerQuery))
        {
            var sql = new StringBuilder();
            for (var i = 0; i < some.Length; i++)
            {
                sql.Append(i == 0 ? "" : " UNION ALL ").Append(
                    CultureInfo.InvariantCulture,
                    $"SELECT {i}, last_value, is_called FROM {Quote.Qualified(some[i].Schema, some[i].Name)}");
            }

            var read = await connection.QueryAsync(
                sql.Append(" ORDER BY 1").ToString(),
                row => new PgSequencePosition
                {
                    Schema = some[row.GetInt32(0)].Schema,
                    Name = some[row.GetInt32(0)].Name,
                    Increment = some[row.GetInt32(0)].Increment,
                    LastValue = row.GetInt64(1),
                    IsCalled = row.GetBoolean(2),
                },
                cancellationToken).ConfigureAwait(false);
            positions.AddRange(read);
        }

        return positions;
    }
}
