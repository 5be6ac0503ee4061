using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Migrations.History;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>Keeps the tool that a history was imported from out while PgOps migrates, as long as that tool's table is there.</summary>
internal static class ImportedHistory
{
    /// <summary>
    /// Takes the other tool's advisory keys for the rest of the session. Where its sessions wait for the key inside a statement and the
    /// run holds a migration outside a transaction, the keys are let go again once they were free: such a waiter would hold up
    /// CREATE INDEX CONCURRENTLY, which would hold up the waiter. A table's lock is not held: a migration may drop the table.
    /// </summary>
    /// <exception cref="PgOpsException">MigrationLocked, naming the holder, when the wait takes longer than allowed.</exception>
    internal static async Task HonourLocksAsync(
        MigrationRequest request,
        HistoryTable table,
        bool allTransactional,
        NpgsqlConnection connection,
        IOperationSink sink,
        CancellationToken cancellationToken)
    {
        var origins = await connection.QueryAsync(
            $"SELECT DISTINCT pg_catalog.split_part(reason, '; ', 1) FROM {table.Name} WHERE reason LIKE '{ImportPlan.ReasonPrefix}%'",
            row => row.GetString(0)[ImportPlan.ReasonPrefix.Length..],
            cancellationToken).ConfigureAwait(false);
        foreach (var origin in origins)
        {
            var tool = ForeignTableSearch.Tools.FirstOrDefault(
                tool => origin.StartsWith($"{tool.Title} (", StringComparison.Ordinal) && origin.EndsWith(')'));
            if (tool is null
                || await ForeignTableSearch.FindAsync(connection, origin[(tool.Title.Length + 2)..^1], cancellationToken)
                    .ConfigureAwait(false)
                    is not { } foreign)
            {
                continue;
            }

            var keys = new ForeignLock(connection, request, tool, foreign, sink);
            await keys.TakeKeysAsync(cancellationToken).ConfigureAwait(false);
            if (tool.WaitsInStatement && !allTransactional)
            {
                await keys.ReleaseKeysAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
