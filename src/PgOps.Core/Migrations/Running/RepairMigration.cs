using Microsoft.Extensions.Logging;
using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Migrations.Adoption;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Locking;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Migrations.Running;

/// <summary>
/// Puts a person's word into the history: always with a reason and always as a new row, so that what was
/// recorded before stays to be read.
/// </summary>
public sealed class RepairMigration
{
    /// <summary>Writes the word down.</summary>
    /// <param name="request">The database, the folder and the history's schema.</param>
    /// <param name="version">The migration; null for a new seal.</param>
    /// <param name="repair">What is said.</param>
    /// <param name="reason">Why.</param>
    /// <param name="sink">Receives the migration as it stands afterwards.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PgOpsException">The word does not fit how the migration stands.</exception>
    public Task RunAsync(
        MigrationRequest request,
        string? version,
        MigrationRepair repair,
        string reason,
        IOperationSink sink,
        CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(
            this, () => request.Target, () => WorkAsync(request, version, repair, reason, sink, cancellationToken));

    private async Task WorkAsync(
        MigrationRequest request,
        string? version,
        MigrationRepair repair,
        string reason,
        IOperationSink sink,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        var folder = MigrationFolder.Read(request.Path, request.Variables);
        var table = new HistoryTable(request.HistorySchema);
        try
        {
            var connection = await MigratorSession.OpenAsync(request, sink.Log, cancellationToken).ConfigureAwait(false);
            var held = await MigrationLock.AcquireAsync(
                connection, request, sink, cancellationToken).ConfigureAwait(false);
            await using (held.ConfigureAwait(false))
            {
                if (repair == MigrationRepair.Reseal)
                {
                    await ResealAsync(connection, table, reason, cancellationToken).ConfigureAwait(false);
                }
                else
                {
                    var history = await MigrationHistory.ReadAsync(connection, table, true, cancellationToken).ConfigureAwait(false);
                    await history.EnsureTableAsync(connection, cancellationToken).ConfigureAwait(false);
                    var beside = await AdoptedTurn.RecordAsync(request, folder, table, history, connection, cancellationToken)
                        .ConfigureAwait(false);
                    await AdoptedTurn.WriteAsync(
                        connection,
                        [Command(table, folder, history, version!, repair, reason), .. Beside(beside, folder, version!, repair)],
                        cancellationToken).ConfigureAwait(false);
                    if (repair == MigrationRepair.MarkNotApplied)
                    {
                        await TellInvalidIndexesAsync(connection, folder, version!, sink.Log, cancellationToken).ConfigureAwait(false);
                    }
                }

                var now = await MigrationHistory.ReadAsync(connection, table, false, cancellationToken).ConfigureAwait(false);
                foreach (var migration in MigrationStatus.Join(folder, now, request.Target)
                    .Where(migration => version is null || MigrationVersion.Order.Equals(migration.Version, version)))
                {
                    sink.Output(migration);
                }
            }
        }
        catch (NpgsqlException error)
        {
            throw HistoryErrors.Working(request.Target, table, error, "repairing the migration history");
        }
    }

    /// <summary>Names what a build that did not end has left of the migration: the word in the history takes nothing away.</summary>
    private static async Task TellInvalidIndexesAsync(
        NpgsqlConnection connection, MigrationFolder folder, string version, ILogger log, CancellationToken cancellationToken)
    {
        if (folder.Files.FirstOrDefault(file => MigrationVersion.Order.Equals(file.Version, version)) is { Language: null } file)
        {
            foreach (var statement in MigrationScript.Read(file).Statements)
            {
                if (await ConcurrentLeftovers.InvalidIndexAsync(connection, statement, cancellationToken)
                    .ConfigureAwait(false) is { } index)
                {
                    log.InvalidIndexStays(file, index);
                }
            }
        }
    }

    private static NpgsqlBatchCommand Command(
        HistoryTable table, MigrationFolder folder, MigrationHistory history, string version, MigrationRepair repair, string reason)
    {
        var file = folder.Scripts.FirstOrDefault(file => MigrationVersion.Order.Equals(file.Version, version));
        var row = history.Rows.GetValueOrDefault(version);
        return repair switch
        {
            MigrationRepair.MarkApplied when file is not null && row is not { IsApplied: true } =>
                Append(HistoryState.Resolved, file.Checksum, file.Text),
            MigrationRepair.MarkNotApplied when row is { IsApplied: true } or { IsUnfinished: true } =>
                Append(HistoryState.Reverted, row.Checksum, row.Script ?? ""),
            MigrationRepair.AcceptChange when file is not null && row is { IsApplied: true } && row.Checksum != file.Checksum =>
                Append(HistoryState.Resolved, file.Checksum, file.Text),
            MigrationRepair.MarkStatementDone or MigrationRepair.MarkStatementNotDone
                when row is { IsUnfinished: true, StatementRunning: not null } =>
                Append(HistoryState.Started, row.Checksum, row.Script ?? "", row with
                {
                    StatementsDone = row.StatementsDone + (repair == MigrationRepair.MarkStatementDone ? 1 : 0),
                }),
            _ => throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"{repair} does not fit version {version}, which is {(row is null ? "not recorded" : HistoryWords.Of(row.State))} in the "
                    + $"history; the folder {(file is null ? "lacks" : "has")} its file.",
                "Nothing was touched.",
                "Get-PgMigration shows how each migration stands."),
        };

        NpgsqlBatchCommand Append(HistoryState state, string checksum, string script, HistoryRow? unfinished = null)
            => MigrationHistory.Append(table, new HistoryEntry
            {
                Version = row?.Version ?? file!.Version,
                Name = row?.Name ?? file!.Name,
                Kind = row?.Kind ?? file!.Kind,
                Checksum = checksum,
                Script = script,
                State = state,
                Transactional = unfinished is null,
                StatementsTotal = unfinished?.StatementsTotal ?? 0,
                StatementsDone = unfinished?.StatementsDone ?? 0,
                Reason = reason,
                SessionState = unfinished?.SessionState,
            });
    }

    /// <summary>The same word in the table of the tool that PgOps works beside.</summary>
    private static IEnumerable<NpgsqlBatchCommand> Beside(
        ForeignRecord? record, MigrationFolder folder, string version, MigrationRepair repair)
    {
        var file = folder.Files.FirstOrDefault(file => MigrationVersion.Order.Equals(file.Version, version));
        return (record, file, repair) switch
        {
            (not null, not null, MigrationRepair.MarkApplied) => record.Add(file),
            (not null, not null, MigrationRepair.MarkNotApplied) => record.Erase(file, mayBeGone: true),
            (not null, not null, MigrationRepair.AcceptChange) => record.Amend(file),
            _ => [],
        };
    }

    private static async Task WriteAsync(NpgsqlConnection connection, NpgsqlBatchCommand command, CancellationToken cancellationToken)
    {
        var batch = new NpgsqlBatch(connection) { BatchCommands = { command } };
        await using (batch.ConfigureAwait(false))
        {
            await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task ResealAsync(
        NpgsqlConnection connection, HistoryTable table, string reason, CancellationToken cancellationToken)
    {
        var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using (transaction.ConfigureAwait(false))
        {
            foreach (var statement in table.ResealStatements)
            {
                await connection.ExecuteAsync(statement, cancellationToken).ConfigureAwait(false);
            }

            await WriteAsync(connection, MigrationHistory.Append(table, new HistoryEntry
            {
                Version = "0",
                Name = "reseal",
                Kind = MigrationKind.Seal,
                Checksum = "",
                Script = "",
                State = HistoryState.Resolved,
                Reason = reason,
            }), cancellationToken).ConfigureAwait(false);
            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
