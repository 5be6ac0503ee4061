using System.Diagnostics;
using Npgsql;
using PgOps.Core.Backups;
using PgOps.Core.Connections;
using PgOps.Core.Operations;

namespace PgOps.Core.Restores;

/// <summary>What to compare with what.</summary>
public sealed record CompareDatabaseRequest
{
    /// <summary>The reference as a live database; null when the reference is a backup.</summary>
    public PgTarget? ReferenceTarget { get; init; }

    /// <summary>The reference as a backup: its manifest is compared, its payload is not read; null when the reference is a live database.</summary>
    public PgBackup? ReferenceBackup { get; init; }

    /// <summary>The database held against the reference.</summary>
    public required PgTarget Difference { get; init; }

    /// <summary>Sessions to read each database with; null takes the number of processors, at most 8.</summary>
    public int? Jobs { get; init; }
}

/// <summary>Compares a database with another one, or with the manifest of a backup: tables, row counts, content, sequences, migrations.</summary>
public sealed class CompareDatabase
{
    /// <summary>Compares. Each database is read in one snapshot of its own.</summary>
    /// <param name="request">What to compare.</param>
    /// <param name="sink">Receives progress.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <returns>The comparison; differences are results, not errors.</returns>
    /// <exception cref="PgOpsException">InvalidArgument, BackupDamaged when the manifest cannot be read, or a connection's error.</exception>
    public async Task<PgComparison> RunAsync(CompareDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        if (request.ReferenceTarget is null == request.ReferenceBackup is null)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument, "Give exactly one reference: a database or a backup.", null, "Set ReferenceTarget or ReferenceBackup.");
        }

        var elapsed = Stopwatch.StartNew();
        var jobs = RestoreJobs.Resolve(request.Jobs);
        var (comparison, migration) = request.ReferenceBackup is { } backup
            ? await WithBackupAsync(backup, request.Difference, jobs, sink, cancellationToken).ConfigureAwait(false)
            : await WithDatabaseAsync(request.ReferenceTarget!, request.Difference, jobs, sink, cancellationToken).ConfigureAwait(false);
        return new PgComparison
        {
            Reference = Name(request),
            Difference = request.Difference.ToString(),
            Checks = [.. comparison.Checks, migration],
            Tables = comparison.Tables,
            Duration = elapsed.Elapsed,
        };
    }

    private static async Task<(ContentComparison Content, PgCheck Migration)> WithBackupAsync(
        PgBackup backup, PgTarget difference, int jobs, IOperationSink sink, CancellationToken cancellationToken)
    {
        var manifest = backup.Manifest ?? throw new PgOpsException(
            backup.Foreign ? PgErrorCode.InvalidArgument : PgErrorCode.BackupDamaged,
            backup.Foreign
                ? $"{backup} is a dump that PgOps did not make: it has no manifest to compare with."
                : $"The manifest of {backup} cannot be read{(backup.Problem is null ? "" : ": " + backup.Problem)}.",
            "Nothing was compared.",
            backup.Foreign ? "Restore it under another name and compare the two databases." : "Test-PgBackup shows what is wrong with it.")
        { Subject = backup };
        var content = await RestoredCopy.CompareAsync(manifest, difference, jobs, sink, cancellationToken).ConfigureAwait(false);
        var migration = await WithSessionAsync(
            difference, session => RestoredCopy.MigrationStateAsync(manifest.Migration, session, cancellationToken), cancellationToken).ConfigureAwait(false);
        return (content, migration);
    }

    private static async Task<(ContentComparison Content, PgCheck Migration)> WithDatabaseAsync(
        PgTarget reference, PgTarget difference, int jobs, IOperationSink sink, CancellationToken cancellationToken)
    {
        using var progress = new ProgressActivity(sink, $"Comparing {difference} with {reference}");
        var elapsed = Stopwatch.StartNew();
        var (expected, found) = await BothAsync(
            token => DatabaseFingerprint.ReadAsync(reference, null, PgFingerprintDepth.Source, jobs, progress, token),
            token => DatabaseFingerprint.ReadAsync(difference, null, PgFingerprintDepth.Source, jobs, null, token),
            cancellationToken).ConfigureAwait(false);
        var content = ContentComparison.Compare(expected, found, PgFingerprintDepth.Source, SequenceRule.Same, elapsed.Elapsed);
        var mark = await WithSessionAsync(
            reference, session => SourceFacts.MigrationAsync(session, cancellationToken), cancellationToken).ConfigureAwait(false);
        var migration = await WithSessionAsync(
            difference, session => RestoredCopy.MigrationStateAsync(mark, session, cancellationToken), cancellationToken).ConfigureAwait(false);
        return (content, migration);
    }

    private static async Task<T> WithSessionAsync<T>(PgTarget target, Func<NpgsqlConnection, Task<T>> work, CancellationToken cancellationToken)
    {
        var session = await ServerConnection.OpenAsync(target, null, cancellationToken).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            try
            {
                return await work(session).ConfigureAwait(false);
            }
            catch (NpgsqlException error)
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw ServerErrors.Working(target, error, "reading the migration state");
            }
        }
    }

    /// <summary>Runs both; when one fails the other is stopped and waited for, so that no session outlives the call.</summary>
    private static async Task<(T First, T Second)> BothAsync<T>(
        Func<CancellationToken, Task<T>> first, Func<CancellationToken, Task<T>> second, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var tasks = new[] { first(stop.Token), second(stop.Token) };
        var earliest = await Task.WhenAny(tasks).ConfigureAwait(false);
        if (!earliest.IsCompletedSuccessfully)
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(tasks).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default)
                .ConfigureAwait(false);
            await earliest.ConfigureAwait(false);
        }

        var results = await Task.WhenAll(tasks).ConfigureAwait(false);
        return (results[0], results[1]);
    }

    private static string Name(CompareDatabaseRequest request)
        => request.ReferenceBackup?.ToString() ?? request.ReferenceTarget!.ToString();
}
