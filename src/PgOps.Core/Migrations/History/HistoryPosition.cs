using System.Security.Cryptography;
using System.Text;
using Npgsql;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Migrations.History;

/// <summary>Where a database stands in its migrations, in whatever schema the history lies.</summary>
internal static class HistoryPosition
{
    /// <summary>Reads it. A history that was edited is read all the same: its hash says so.</summary>
    /// <param name="connection">A session.</param>
    /// <param name="schema">
    /// The history's schema, or <see cref="HistoryTable.SeveralSchemas"/>, as an earlier mark has it; null finds it: the usual one, or the
    /// one that is there, or all that are there.
    /// </param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The mark; null without a history that the role may read.</returns>
    /// <exception cref="PgOpsException">PermissionDenied: policies hide rows of the history.</exception>
    internal static async Task<PgMigrationMark?> ReadAsync(
        NpgsqlConnection connection, string? schema, CancellationToken cancellationToken)
    {
        var found = await connection.QueryAsync(HistoryTable.SchemasQuery, row => row.GetString(0), cancellationToken)
            .ConfigureAwait(false);
        found.Sort(StringComparer.Ordinal);
        schema ??= found.Contains(HistoryTable.DefaultSchema) ? HistoryTable.DefaultSchema
            : found.Count == 1 ? found[0] : HistoryTable.SeveralSchemas;
        var marks = new List<PgMigrationMark>();
        foreach (var one in found.Where(one => schema == HistoryTable.SeveralSchemas || one == schema))
        {
            marks.Add(await ReadOneAsync(connection, new HistoryTable(one), cancellationToken).ConfigureAwait(false));
        }

        return schema != HistoryTable.SeveralSchemas ? marks.FirstOrDefault() : Join(marks);
    }

    private static async Task<PgMigrationMark> ReadOneAsync(
        NpgsqlConnection connection, HistoryTable table, CancellationToken cancellationToken)
    {
        await HistoryStanding.ReadAsync(connection, table, cancellationToken).ConfigureAwait(false);
        var rows = await MigrationHistory.LatestAsync(connection, table, false, cancellationToken).ConfigureAwait(false);
        var newest = MigrationHistory.Newest(rows.Values);
        return (await connection.QueryAsync(
            table.EndQuery,
            row => new PgMigrationMark
            {
                HistorySchema = table.Schema,
                Version = newest?.Version ?? "",
                Name = newest?.Name ?? "",
                HistoryRows = row.GetInt64(0),
                HistoryHash = row.IsDBNull(1) ? "" : row.GetString(1),
            },
            cancellationToken).ConfigureAwait(false))[0];
    }

    /// <summary>One mark for all: the newest version, and a hash that changes with any of them.</summary>
    private static PgMigrationMark? Join(List<PgMigrationMark> marks)
    {
        var text = string.Join('\n', marks.Select(mark => $"{mark.HistoryHash} {mark.HistorySchema}"));
        return marks.MaxBy(mark => mark.Version, MigrationVersion.Order) is not { } newest ? null : newest with
        {
            HistorySchema = HistoryTable.SeveralSchemas,
            HistoryRows = marks.Sum(mark => mark.HistoryRows),
            HistoryHash = Hex.Of(SHA256.HashData(Encoding.UTF8.GetBytes(text))),
        };
    }
}
