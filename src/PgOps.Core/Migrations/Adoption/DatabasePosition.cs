using System.Security.Cryptography;
using System.Text;
using Npgsql;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>Where a database stands in its migrations: by PgOps' history, or, where it has none, by another tool's.</summary>
internal static class DatabasePosition
{
    /// <summary>Reads it.</summary>
    /// <param name="connection">A session.</param>
    /// <param name="earlier">An earlier mark, whose history is looked for; null takes what is there.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The mark; null without a history that the role may read.</returns>
    /// <exception cref="PgOpsException">PermissionDenied: policies hide rows of the history.</exception>
    internal static async Task<PgMigrationMark?> ReadAsync(
        NpgsqlConnection connection, PgMigrationMark? earlier, CancellationToken cancellationToken)
    {
        var ofTool = earlier?.Tool is not null;
        var own = await HistoryPosition.ReadAsync(connection, ofTool ? null : earlier?.HistorySchema, cancellationToken)
            .ConfigureAwait(false);
        return own is null && (earlier is null || ofTool) ? await OfToolsAsync(connection, cancellationToken).ConfigureAwait(false) : own;
    }

    private static async Task<PgMigrationMark?> OfToolsAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var marks = new List<PgMigrationMark>();
        foreach (var (tool, table) in await ForeignTableSearch.AllAsync(connection, null, cancellationToken).ConfigureAwait(false))
        {
            if (table.IsReadable && await OfToolAsync(tool, table, connection, cancellationToken).ConfigureAwait(false) is { } mark)
            {
                marks.Add(mark);
            }
        }

        return marks.Count < 2 ? marks.FirstOrDefault() : marks[0] with
        {
            Tool = string.Join(", ", marks.Select(mark => mark.Tool).Distinct()),
            HistorySchema = HistoryTable.SeveralSchemas,
            HistoryTable = null,
            HistoryRows = marks.Sum(mark => mark.HistoryRows),
            HistoryHash = Hash(marks.Select(mark => $"{mark.HistoryHash} {mark.HistorySchema}.{mark.HistoryTable}")),
        };
    }

    /// <summary>A table that the role may not read, or that looks like the tool's and is not, says nothing.</summary>
    private static async Task<PgMigrationMark?> OfToolAsync(
        ForeignTool tool, ForeignTable table, NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        // A backup asks inside its snapshot, which an error must not cost it.
        var inTransaction = await TryAsync(connection, "SAVEPOINT pgops_position", cancellationToken).ConfigureAwait(false);
        IReadOnlyList<ForeignMigration> entries;
        try
        {
            entries = await tool.ReadAsync(connection, table, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is PostgresException server && !ServerErrors.IsLost(server) || error is InvalidCastException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (inTransaction)
            {
                await connection.ExecuteAsync("ROLLBACK TO SAVEPOINT pgops_position", cancellationToken).ConfigureAwait(false);
            }

            return null;
        }

        var newest = entries.Where(entry => !entry.Failed && !entry.Repeatable).MaxBy(entry => entry.Key, MigrationVersion.Order);
        return new PgMigrationMark
        {
            Tool = tool.Title,
            HistorySchema = table.Schema,
            HistoryTable = table.Table,
            Version = newest?.Key ?? "",
            Name = newest is null || newest.Title == newest.Key ? "" : newest.Title,
            HistoryRows = entries.Count,
            HistoryHash = Hash(entries.Select(AdoptedTool.Line).Order(StringComparer.Ordinal)),
        };
    }

    private static async Task<bool> TryAsync(NpgsqlConnection connection, string command, CancellationToken cancellationToken)
    {
        try
        {
            await connection.ExecuteAsync(command, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.NoActiveSqlTransaction)
        {
            return false;
        }
    }

    private static string Hash(IEnumerable<string> lines)
        => Hex.Of(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', lines))));
}
