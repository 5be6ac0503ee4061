using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>
/// A migrator's turn at a history that may have been imported: the other tool is kept out while its table is there, what it did
/// meanwhile is taken in where both go on, and refused where PgOps is to be alone.
/// </summary>
internal sealed class AdoptedTurn
{
    private readonly ForeignTool? _tool;
    private readonly ForeignLock? _keys;

    private AdoptedTurn(MigrationHistory history, ForeignRecord? record = null, ForeignTool? tool = null, ForeignLock? keys = null)
    {
        History = history;
        Record = record;
        _tool = tool;
        _keys = keys;
    }

    /// <summary>The history, up to date.</summary>
    internal MigrationHistory History { get; }

    /// <summary>The other tool's table, to be kept; null where PgOps is alone.</summary>
    internal ForeignRecord? Record { get; }

    /// <summary>
    /// Takes the other tool's advisory keys for the rest of the session, and takes in what the tool did. A table's lock is not held:
    /// a migration may drop the table.
    /// </summary>
    /// <exception cref="PgOpsException">
    /// MigrationLocked, naming the holder, when the wait takes longer than allowed; and the refusals of
    /// <see cref="AdoptedTool.News"/>.
    /// </exception>
    internal static async Task<AdoptedTurn> BeginAsync(
        MigrationRequest request,
        MigrationFolder folder,
        HistoryTable table,
        MigrationHistory history,
        NpgsqlConnection connection,
        IOperationSink sink,
        CancellationToken cancellationToken)
    {
        if (await FindAsync(request, history, connection, cancellationToken).ConfigureAwait(false) is not var (adopted, foreign))
        {
            return new AdoptedTurn(history);
        }

        var keys = new ForeignLock(connection, request, adopted.Tool, foreign, sink);
        await keys.TakeKeysAsync(cancellationToken).ConfigureAwait(false);
        var entries = await adopted.Tool.ReadAsync(connection, foreign, cancellationToken).ConfigureAwait(false);
        var news = adopted.News(request, folder, history, foreign, entries);
        if (news.Count > 0)
        {
            await WriteAsync(connection, news.Select(entry => MigrationHistory.Append(table, entry)), cancellationToken)
                .ConfigureAwait(false);
            sink.Log.HistoryCaughtUp(news.Count, adopted.Tool.Title, foreign.Name);
            history = await MigrationHistory.ReadAsync(connection, table, false, cancellationToken).ConfigureAwait(false);
        }

        return new AdoptedTurn(history, RecordOf(adopted, foreign, table, folder), adopted.Tool, keys);
    }

    /// <summary>The history as the next turn would find it, without lock or change.</summary>
    internal static async Task<MigrationHistory> LookAsync(
        MigrationRequest request,
        MigrationFolder folder,
        MigrationHistory history,
        NpgsqlConnection connection,
        CancellationToken cancellationToken)
    {
        if (await FindAsync(request, history, connection, cancellationToken).ConfigureAwait(false) is not var (adopted, foreign))
        {
            return history;
        }

        var entries = await adopted.Tool.ReadAsync(connection, foreign, cancellationToken).ConfigureAwait(false);
        return history.With(adopted.News(request, folder, history, foreign, entries));
    }

    /// <summary>The other tool's table where both go on, for a word of a person's that changes one record.</summary>
    internal static async Task<ForeignRecord?> RecordAsync(
        MigrationRequest request,
        MigrationFolder folder,
        HistoryTable table,
        MigrationHistory history,
        NpgsqlConnection connection,
        CancellationToken cancellationToken)
        => await FindAsync(request, history, connection, cancellationToken).ConfigureAwait(false) is var (adopted, foreign)
            ? RecordOf(adopted, foreign, table, folder)
            : null;

    /// <summary>
    /// Where the tool's sessions wait for their key inside a statement and the run holds a migration outside a transaction, lets the
    /// keys go again once they were free: such a waiter would hold up CREATE INDEX CONCURRENTLY, which would hold up the waiter.
    /// </summary>
    internal async Task MakeWayAsync(bool allTransactional, CancellationToken cancellationToken)
    {
        if (_keys is not null && _tool!.WaitsInStatement && !allTransactional)
        {
            await _keys.ReleaseKeysAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Runs commands as one transaction.</summary>
    internal static async Task WriteAsync(
        NpgsqlConnection connection, IEnumerable<NpgsqlBatchCommand> commands, CancellationToken cancellationToken)
    {
        // Without a Sync in between, the server takes the statements of a batch as one transaction, if there is none yet.
        var batch = new NpgsqlBatch(connection);
        await using (batch.ConfigureAwait(false))
        {
            foreach (var command in commands)
            {
                batch.BatchCommands.Add(command);
            }

            await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private static ForeignRecord? RecordOf(AdoptedTool adopted, ForeignTable foreign, HistoryTable table, MigrationFolder folder)
        => adopted.Mode == AdoptionMode.Beside ? new ForeignRecord(adopted.Tool, foreign, table, folder) : null;

    private static async Task<(AdoptedTool Adopted, ForeignTable Foreign)?> FindAsync(
        MigrationRequest request, MigrationHistory history, NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (AdoptedTool.Of(history) is not { } adopted)
        {
            return null;
        }

        var foreign = await ForeignTableSearch.FindAsync(connection, adopted.TableName, cancellationToken).ConfigureAwait(false);
        return (foreign, adopted.Mode) switch
        {
            (null, AdoptionMode.Beside) => throw new PgOpsException(
                PgErrorCode.HistoriesDiverged,
                $"{request.Target}: PgOps works beside {adopted.Tool.Title}, but {adopted.Tool.Title}'s table {adopted.TableName} is gone.",
                "Nothing was touched.",
                "Bring the table back; or, when PgOps is to go on alone: Import-PgMigrationHistory -Update -Beside:$false.")
            { Subject = request.Target },
            (null, _) => null,
            _ => (adopted, foreign),
        };
    }
}
