using System.Diagnostics;
using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Locking;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>
/// Takes another tool's history over: what that tool has applied is recorded as present, after each script was compared with the
/// tool's own checksum. Nothing of the other tool's is changed, but where both go on: then its table gets what PgOps had applied alone.
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
                var history = await MigrationHistory.ReadAsync(connection, table, false, cancellationToken).ConfigureAwait(false);
                folder.ReadAs(connection);
                var source = await ImportSource.FindAsync(request, history, connection, cancellationToken).ConfigureAwait(false);
                var transaction = await BeginAsync(source, migrations, connection, sink, cancellationToken).ConfigureAwait(false);
                await using (transaction.ConfigureAwait(false))
                {
                    var content = await ReadAsync(request, folder, source, history, connection, cancellationToken).ConfigureAwait(false);
                    await history.EnsureTableAsync(connection, cancellationToken).ConfigureAwait(false);
                    await content.WriteAsync(source, folder, table, history, connection, cancellationToken).ConfigureAwait(false);
                    await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
                    sink.Log.HistoryImported(content.Applied.Count, source.Tool.Title, source.TableName);
                    if (content.Missing.Count > 0)
                    {
                        sink.Log.ForeignRowsWritten(content.Missing.Count, source.Tool.Title, source.TableName);
                    }

                    var now = await MigrationHistory.ReadAsync(connection, table, false, cancellationToken).ConfigureAwait(false);
                    return Result(request, folder, content, now) with { LockWait = held.Waited, Duration = clock.Elapsed };
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
                var history = await MigrationHistory.ReadAsync(
                    connection, new HistoryTable(migrations.HistorySchema), false, cancellationToken).ConfigureAwait(false);
                folder.ReadAs(connection);
                var source = await ImportSource.FindAsync(request, history, connection, cancellationToken).ConfigureAwait(false);
                var content = await ReadAsync(request, folder, source, history, connection, cancellationToken).ConfigureAwait(false);
                var now = history.With(content.Applied.Select(row => row.Entry)
                    .Concat(content.Undone.Select(file => source.Before!.Reverted(file, source.Table!))));
                return [.. content.Applied.Select(
                        row => $"Record {row.File} in {migrations.Target} as present, without running it: {row.Reason}."),
                    .. content.Undone.Select(file => $"Record {file} in {migrations.Target} as undone by {source.Tool.Title}."),
                    .. content.Missing.Select(
                        file => $"Record {file}, which PgOps has applied, in {source.Tool.Title}'s {source.TableName}."),
                    $"{PgAmount.Of(Pending(folder, now), "migration")} of '{folder.Path}' left pending; "
                        + (source.Mode == AdoptionMode.Moved || request.Update
                            ? $"{source.TableName} is left as it is{(content.Missing.Count > 0 ? " but for these rows" : "")}."
                            : $"{source.TableName} is left as it is now, and kept from the next run on.")];
            }
        }
        catch (NpgsqlException error)
        {
            throw ServerErrors.Working(migrations.Target, error, "planning the import");
        }
    }

    /// <summary>Keeps the other tool out, where it still has a table.</summary>
    private static async Task<NpgsqlTransaction> BeginAsync(
        ImportSource source,
        MigrationRequest request,
        NpgsqlConnection connection,
        IOperationSink sink,
        CancellationToken cancellationToken)
    {
        if (source.Table is not { } table)
        {
            return await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        }

        var keys = new ForeignLock(connection, request, source.Tool, table, sink);
        await keys.TakeKeysAsync(cancellationToken).ConfigureAwait(false);
        return await keys.BeginWithTableAsync(cancellationToken).ConfigureAwait(false);
    }

    private static async Task<ImportContent> ReadAsync(
        ImportRequest request,
        MigrationFolder folder,
        ImportSource source,
        MigrationHistory history,
        NpgsqlConnection connection,
        CancellationToken cancellationToken)
    {
        var entries = await source.ReadAsync(connection, cancellationToken).ConfigureAwait(false);
        return ImportContent.Make(request, folder, source, history, entries);
    }

    private static int Pending(MigrationFolder folder, MigrationHistory history)
        => folder.Files.Concat(folder.Repeatables)
            .Count(file => history.Rows.GetValueOrDefault(file.Version) is not { IsApplied: true } row
                || (!row.HasVersion && row.Checksum != file.Checksum));

    private static PgMigrationRun Result(ImportRequest request, MigrationFolder folder, ImportContent wrote, MigrationHistory now) => new()
    {
        Target = request.Migrations.Target,
        Baselined = wrote.Applied.Select(row => new PgMigration
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
        Reverted = wrote.Undone.Select(file => new PgMigration
        {
            Version = file.Version,
            Name = file.Name,
            State = PgMigrationState.Pending,
            Path = file.Path,
            Checksum = file.Checksum,
            Remark = "Was undone by the other tool.",
            Target = request.Migrations.Target,
        }).ToList(),
        ToVersion = now.NewestVersion,
        StillPending = Pending(folder, now),
    };
}
