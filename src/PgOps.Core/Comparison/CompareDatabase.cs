using System.Diagnostics;
using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Migrations.Adoption;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Repository;

namespace PgOps.Core.Comparison;

/// <summary>
/// Compares a database with another one, or with the manifest of a backup, or two manifests: tables, row counts, content, sequences,
/// migrations, schema objects.
/// </summary>
public sealed class CompareDatabase
{
    /// <summary>Compares. Each database is read in snapshots of its own.</summary>
    /// <param name="request">What to compare.</param>
    /// <param name="sink">Receives progress.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <returns>The comparison; differences are results, not errors.</returns>
    /// <exception cref="PgOpsException">InvalidArgument, SchemaNotFound, BackupDamaged when the manifest cannot be read, DecryptionFailed,
    /// or a connection's error.</exception>
    public Task<PgComparison> RunAsync(CompareDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, () => request.ReferenceTarget, () => WorkAsync(request, sink, cancellationToken));

    private async Task<PgComparison> WorkAsync(CompareDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        Check(request);
        var startedAt = DateTime.UtcNow;
        var elapsed = Stopwatch.StartNew();
        var excluded = new ExcludedSchemas(request.ExcludedSchemas);
        var (found, rows) = await WatchedAsync(request, excluded, sink, cancellationToken).ConfigureAwait(false);
        return new PgComparison
        {
            Reference = request.ReferenceBackup?.ToString() ?? request.ReferenceTarget!.ToString(),
            Difference = request.DifferenceBackup?.ToString() ?? request.Difference!.ToString(),
            Checks =
            [
                .. excluded.Say(
                    [.. found.Content.Checks, .. excluded.HoldHistory ? [] : (PgCheck[])[found.Migration], .. found.Objects.Checks]),
                found.Properties,
                .. rows is null ? [] : (PgCheck[])[rows.Check],
            ],
            Tables = found.Content.Tables,
            Objects = found.Objects.Differences,
            Rows = rows?.Rows ?? [],
            ExcludedSchemas = [.. excluded.Found],
            StartedAt = startedAt,
            Duration = elapsed.Elapsed,
        };
    }

    private static Task<(Found Found, RowComparison? Rows)> WatchedAsync(
        CompareDatabaseRequest request, ExcludedSchemas excluded, IOperationSink sink, CancellationToken cancellationToken)
    {
        // A name of its own tells the sessions of this comparison from all others.
        var name = $"PgOps compare {Guid.NewGuid().ToString("N")[..8]}";
        request = request with
        {
            ReferenceTarget = request.ReferenceTarget is { } reference ? reference with { ApplicationName = name } : null,
            Difference = request.Difference is { } difference ? difference with { ApplicationName = name } : null,
        };
        Func<CancellationToken, Task<(Found, RowComparison?)>> work = async token =>
        {
            var found = await CompareAsync(request, excluded, sink, token).ConfigureAwait(false);
            return (found, await RowsAsync(request, found, sink, token).ConfigureAwait(false));
        };
        foreach (var target in new[] { request.ReferenceTarget, request.Difference }.OfType<PgTarget>())
        {
            var (inner, watch) = (work, new LockWatch(target, "The comparison", PgErrorCode.StatementFailed, "Nothing was changed.")
            {
                Limit = request.LockTimeout,
            });
            work = token => watch.RunAsync(sink.Log, inner, token);
        }

        return work(cancellationToken);
    }

    private static async Task<RowComparison?> RowsAsync(
        CompareDatabaseRequest request, Found found, IOperationSink sink, CancellationToken cancellationToken)
        => !request.Detailed
            ? null
            : request.ReferenceTarget is null || request.Difference is null
                ? RowComparison.Skip("a manifest holds no rows: restore the backup under another name and compare the two databases")
                : await RowComparison.RunAsync(
                    request.ReferenceTarget, request.Difference, found.Content.Tables, request.MaxRows, sink,
                    cancellationToken).ConfigureAwait(false);

    private static void Check(CompareDatabaseRequest request)
    {
        if (request.ReferenceTarget is null == request.ReferenceBackup is null)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument, "Give exactly one reference: a database or a backup.", null,
                "Set ReferenceTarget or ReferenceBackup.");
        }

        if (request.Difference is null == request.DifferenceBackup is null
            || (request.DifferenceBackup is not null && request.ReferenceBackup is null))
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                "A backup is compared with a database or with another backup; a database is compared with another one.",
                null,
                "To hold a database against a backup give the backup first.");
        }
    }

    private static async Task<Found> CompareAsync(
        CompareDatabaseRequest request, ExcludedSchemas excluded, IOperationSink sink, CancellationToken cancellationToken)
    {
        var jobs = RestoreJobs.Resolve(request.Jobs);
        var (reference, difference) = (await OpenAsync(request.ReferenceBackup)
            .ConfigureAwait(false), await OpenAsync(request.DifferenceBackup).ConfigureAwait(false));
        if (request.ExcludedSchemas.Count > 0)
        {
            // Known before hours of reading.
            excluded.Require([
                .. await SchemasAsync(reference, request.ReferenceTarget, cancellationToken).ConfigureAwait(false),
                .. await SchemasAsync(difference, request.Difference, cancellationToken).ConfigureAwait(false),
            ]);
        }

        return (reference, difference) switch
        {
            ({ } one, { } other) => Manifests(one, other, excluded),
            ({ } one, null) =>
                await WithBackupAsync(one, request.Difference!, excluded, jobs, sink, cancellationToken).ConfigureAwait(false),
            _ => await WithDatabaseAsync(request.ReferenceTarget!, request.Difference!, excluded, jobs, sink, cancellationToken)
                .ConfigureAwait(false),
        };

        async Task<PgBackupManifest?> OpenAsync(PgBackup? backup) => backup is null ? null
            : excluded.Apply(ManifestOf(await SealedManifest.OpenAsync(backup, request.Identity, cancellationToken).ConfigureAwait(false)));
    }

    private static async Task<IEnumerable<string>> SchemasAsync(
        PgBackupManifest? manifest, PgTarget? target, CancellationToken cancellationToken)
        => manifest is not null
            ? ExcludedSchemas.Of(manifest)
            : await WithSessionAsync(
                target!,
                "listing the schemas",
                session => ExcludedSchemas.OfAsync(session, cancellationToken),
                cancellationToken).ConfigureAwait(false);

    /// <summary>A backup's manifest.</summary>
    /// <param name="backup">The backup.</param>
    /// <exception cref="PgOpsException">InvalidArgument or BackupDamaged: there is none.</exception>
    public static PgBackupManifest ManifestOf(PgBackup backup)
    {
        ArgumentNullException.ThrowIfNull(backup);
        return backup.Manifest ?? throw new PgOpsException(
            backup.Foreign ? PgErrorCode.InvalidArgument : PgErrorCode.BackupDamaged,
            backup.Foreign
                ? $"{backup} is a dump that PgOps did not make: it has no manifest to compare with."
                : $"The manifest of {backup} cannot be read{(backup.Problem is null ? "" : ": " + backup.Problem)}.",
            "Nothing was compared.",
            backup.Foreign ? "Restore it under another name and compare the two databases." : "Test-PgBackup shows what is wrong with it.")
        { Subject = backup };
    }

    private static Found Manifests(PgBackupManifest reference, PgBackupManifest difference, ExcludedSchemas excluded)
    {
        // The order of the depths is None, Counts, Source; what one side lacks cannot be compared.
        excluded.HistorySchema = reference.Migration?.HistorySchema ?? excluded.HistorySchema;
        var depths = new[] { ContentComparison.DepthOf(reference), ContentComparison.DepthOf(difference) };
        var depth = depths.Contains(PgFingerprintDepth.None) ? PgFingerprintDepth.None
            : depths.Contains(PgFingerprintDepth.Counts) ? PgFingerprintDepth.Counts : PgFingerprintDepth.Source;
        return new Found(
            ContentComparison.Compare(
                ContentComparison.FromManifest(reference), ContentComparison.FromManifest(difference), depth, SequenceRule.Same, default),
            RestoredCopy.MigrationState(reference.Migration, difference.Migration),
            ObjectInventory.From(difference) is { } objects
                ? ObjectComparison.Compare(reference, objects, excluded.Apply(ObjectRules.Same))
                : ObjectComparison.Skip(ObjectComparison.WhyNone(difference)),
            PropertyComparison.Compare(reference.Facts, difference.Facts));
    }

    private static async Task<Found> WithBackupAsync(
        PgBackupManifest manifest, PgTarget difference, ExcludedSchemas excluded, int jobs, IOperationSink sink,
        CancellationToken cancellationToken)
    {
        var content =
            await RestoredCopy.CompareAsync(manifest, difference, jobs, sink, cancellationToken, excluded.Wants).ConfigureAwait(false);
        var migration = await WithSessionAsync(
            difference, MigrationState, session => RestoredCopy.MigrationStateAsync(manifest.Migration, session, cancellationToken),
            cancellationToken).ConfigureAwait(false);
        excluded.HistorySchema = manifest.Migration?.HistorySchema ?? excluded.HistorySchema;
        return new Found(
            content, migration, await RestoredCopy.ObjectsAsync(
                manifest, difference, excluded.Apply(ObjectRules.Restored), cancellationToken).ConfigureAwait(false),
            PropertyComparison.Compare(manifest.Facts, await FactsAsync(difference, cancellationToken).ConfigureAwait(false)));
    }

    private static async Task<Found> WithDatabaseAsync(
        PgTarget reference, PgTarget difference, ExcludedSchemas excluded, int jobs, IOperationSink sink,
        CancellationToken cancellationToken)
    {
        using var progress = new ProgressActivity(sink, $"Comparing {difference} with {reference}");
        var elapsed = Stopwatch.StartNew();
        var (expected, found) = await BothAsync(
            token => DatabaseFingerprint.ReadAsync(
                reference, null, PgFingerprintDepth.Source, jobs, progress, token, ColumnOrder.ByName, excluded.Wants),
            token => DatabaseFingerprint.ReadAsync(
                difference, null, PgFingerprintDepth.Source, jobs, null, token, ColumnOrder.ByName, excluded.Wants),
            cancellationToken).ConfigureAwait(false);
        var content = ContentComparison.Compare(expected, found, PgFingerprintDepth.Source, SequenceRule.Same, elapsed.Elapsed);
        var mark = await WithSessionAsync(
            reference, MigrationState, session => DatabasePosition.ReadAsync(session, null, cancellationToken),
            cancellationToken).ConfigureAwait(false);
        var migration = await WithSessionAsync(
            difference,
            MigrationState,
            async session => RestoredCopy.MigrationState(
                mark, await DatabasePosition.ReadAsync(session, mark, cancellationToken).ConfigureAwait(false)),
            cancellationToken).ConfigureAwait(false);
        excluded.HistorySchema = mark?.HistorySchema ?? excluded.HistorySchema;
        var (wanted, there) = await BothAsync(
            token => ObjectInventory.ReadAsync(reference, null, true, token),
            token => ObjectInventory.ReadAsync(difference, null, true, token),
            cancellationToken).ConfigureAwait(false);
        return new Found(
            content,
            migration,
            ObjectComparison.Compare(wanted, there, excluded.Apply(ObjectRules.Same)),
            PropertyComparison.Compare(
                await FactsAsync(reference, cancellationToken).ConfigureAwait(false),
                await FactsAsync(difference, cancellationToken).ConfigureAwait(false)));
    }

    private static Task<PgDatabaseFacts> FactsAsync(PgTarget target, CancellationToken cancellationToken) => WithSessionAsync(
        target,
        "reading the database's properties",
        session => SnapshotFacts.DatabaseAsync(session, [], cancellationToken),
        cancellationToken);

    private const string MigrationState = "reading the migration state";

    private static async Task<T> WithSessionAsync<T>(
        PgTarget target, string what, Func<NpgsqlConnection, Task<T>> work, CancellationToken cancellationToken)
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
                throw ServerErrors.Working(target, error, what);
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

    private sealed record Found(ContentComparison Content, PgCheck Migration, ObjectComparison Objects, PgCheck Properties);
}
