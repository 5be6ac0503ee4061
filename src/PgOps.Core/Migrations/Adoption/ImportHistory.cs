using System.Diagnostics;
using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Text;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Locking;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>
/// Takes another tool's history over: what that tool has applied is recorded as present, after each script was compared with the
/// tool's own checksum. Nothing of the other tool's is changed.
/// </summary>
public sealed class ImportHistory
{
    /// <summary>Imports.</summary>
    /// <param name="request">What and how.</param>
    /// <param name="sink">Where log lines and progress go.</param>
    /// <param name="cancellationToken">Gives up; nothing is recorded then.</param>
    /// <returns>What was recorded.</returns>
    /// <exception cref="PgOpsException">A guard refused; nothing was recorded.</exception>
    public Task<PgMigrationRun> RunAsync(ImportRequest request, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, () => request.Migrations.Target, () => WorkAsync(request, sink, cancellationToken));

    private async Task<PgMigrationRun> WorkAsync(ImportRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        var clock = Stopwatch.StartNew();
        var migrations = request.Migrations;
        var folder = MigrationFolder.Read(migrations.Path, migrations.Variables);
        var table = new HistoryTable(migrations.HistorySchema);
        try
        {
            var connection = await MigratorSession.OpenAsync(migrations, sink.Log, cancellationToken).ConfigureAwait(false);
            var held = await MigrationLock.AcquireAsync(
                connection, migrations, sink, cancellationToken).ConfigureAwait(false);
            await using (held.ConfigureAwait(false))
            {
                var history = await RequireNoneAsync(migrations, table, connection, cancellationToken).ConfigureAwait(false);
                var (tool, foreign) = await ForeignTableSearch.FindAsync(request, connection, cancellationToken).ConfigureAwait(false);
                var keys = new ForeignLock(connection, migrations, tool, foreign, sink);
                await keys.TakeKeysAsync(cancellationToken).ConfigureAwait(false);
                var transaction = await keys.BeginWithTableAsync(cancellationToken).ConfigureAwait(false);
                await using (transaction.ConfigureAwait(false))
                {
                    var entries = await tool.ReadAsync(connection, foreign, cancellationToken).ConfigureAwait(false);
                    var rows = ImportPlan.Make(request, folder, tool, foreign, entries);
                    await history.EnsureTableAsync(connection, cancellationToken).ConfigureAwait(false);
                    await RecordAsync(table, rows, ImportPlan.Origin(tool, foreign), connection, cancellationToken).ConfigureAwait(false);
                    await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
                    sink.Log.HistoryImported(rows.Count, tool.Title, foreign);
                    return Result(request, folder, rows) with { LockWait = held.Waited, Duration = clock.Elapsed };
                }
            }
        }
        catch (NpgsqlException error)
        {
            throw HistoryErrors.Working(migrations.Target, table, error, "importing the history", "Nothing was recorded.");
        }
    }

    /// <summary>Says what <see cref="RunAsync"/> would record, without lock or change.</summary>
    /// <param name="request">What would be imported.</param>
    /// <param name="sink">Where log lines go.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>A line for each migration.</returns>
    /// <exception cref="PgOpsException">The guard that would refuse the import.</exception>
    public async Task<IReadOnlyList<string>> PreviewAsync(ImportRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        var migrations = request.Migrations;
        var folder = MigrationFolder.Read(migrations.Path, migrations.Variables);
        try
        {
            var connection = await MigratorSession.OpenAsync(migrations, sink.Log, cancellationToken).ConfigureAwait(false);
            await using (connection.ConfigureAwait(false))
            {
                await RequireNoneAsync(migrations, new HistoryTable(migrations.HistorySchema), connection, cancellationToken)
                    .ConfigureAwait(false);
                var (tool, foreign) = await ForeignTableSearch.FindAsync(request, connection, cancellationToken).ConfigureAwait(false);
                var entries = await tool.ReadAsync(connection, foreign, cancellationToken).ConfigureAwait(false);
                var rows = ImportPlan.Make(request, folder, tool, foreign, entries);
                return [.. rows.Select(row => $"Record {row.File} in {migrations.Target} as present, without running it: {row.Reason}."),
                    $"{Amount.Of(Pending(folder, rows), "migration")} of '{folder.Path}' left "
                        + $"pending; {foreign} is left as it is."];
            }
        }
        catch (NpgsqlException error)
        {
            throw ServerErrors.Working(migrations.Target, error, "planning the import");
        }
    }

    private static async Task<MigrationHistory> RequireNoneAsync(
        MigrationRequest request, HistoryTable table, NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var history = await MigrationHistory.ReadAsync(connection, table, false, cancellationToken).ConfigureAwait(false);
        return history.Rows.Values.Any(row => row.IsApplied || row.IsUnfinished)
            ? throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"{request.Target} already has a PgOps history; its newest version is {history.NewestVersion ?? "unfinished"}.",
                "Nothing was touched.",
                "An import begins a history. To record a single migration as present: "
                    + "Repair-PgMigration -Version … -MarkApplied -Reason ….")
            { Subject = request.Target }
            : history;
    }

    private static int Pending(MigrationFolder folder, IReadOnlyList<ImportedMigration> rows)
        => folder.Files.Count + folder.Repeatables.Count - rows.Count(row => row.File.Path.Length > 0);

    private static async Task RecordAsync(
        HistoryTable table,
        IReadOnlyList<ImportedMigration> rows,
        string origin,
        NpgsqlConnection connection,
        CancellationToken cancellationToken)
    {
        var batch = new NpgsqlBatch(connection);
        await using (batch.ConfigureAwait(false))
        {
            if (rows.Count == 0)
            {
                // A baseline of the other tool's below every file: the history begins, and all files are pending.
                batch.BatchCommands.Add(MigrationHistory.Append(table, Baseline.Mark() with { Reason = origin }));
            }

            foreach (var (file, _, reason) in rows)
            {
                batch.BatchCommands.Add(MigrationHistory.Append(table, new HistoryEntry
                {
                    Version = file.Version,
                    Name = file.Name,
                    Kind = file.Kind,
                    Checksum = file.Checksum,
                    Script = file.Text,
                    State = HistoryState.Baselined,
                    Reason = reason,
                }));
            }

            await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private static PgMigrationRun Result(ImportRequest request, MigrationFolder folder, IReadOnlyList<ImportedMigration> rows) => new()
    {
        Target = request.Migrations.Target,
        Baselined = rows.Select(row => new PgMigration
        {
            Version = row.File.Version,
            Name = row.File.Name,
            State = PgMigrationState.Baselined,
            Path = row.File.Path,
            Checksum = row.File.Checksum,
            AppliedChecksum = row.File.Checksum,
            AppliedAt = row.AppliedAt,
            Remark = row.Reason,
            Target = request.Migrations.Target,
        }).ToList(),
        ToVersion = rows.LastOrDefault(row => row.File.Kind == MigrationKind.Versioned)?.File.Version,
        StillPending = Pending(folder, rows),
    };
}
