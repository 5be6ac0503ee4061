using System.Diagnostics;
using System.Globalization;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Streams;
using PgOps.Core.Common.Text;
using PgOps.Core.Repository.Storage;

namespace PgOps.Core.Repository;

/// <summary>
/// Copies a backup between folders and stores. Files that are there with the right hash are not sent again; every file is checked at
/// the far end; in a store the list of hashes goes last, in a folder the name without <c>.partial</c> comes last.
/// </summary>
public sealed class CopyBackup
{
    /// <summary>How long to go on asking for what a service has accepted and does not show.</summary>
    internal TimeSpan Patience { get; init; } = RemoteStore.Patience;

    /// <summary>Copies.</summary>
    /// <param name="request">What, and where to.</param>
    /// <param name="sink">Receives progress and log lines.</param>
    /// <param name="cancellationToken">Stops; a second run goes on where this one stopped.</param>
    /// <returns>The copy.</returns>
    /// <exception cref="PgOpsException">
    /// BackupDamaged, TargetNotEmpty when another backup has its name there, DiskFull, PathNotFound, PathInaccessible, StoreInvalid,
    /// StoreFailed, PermissionDenied, ToolMissing.
    /// </exception>
    public Task<PgBackup> RunAsync(CopyBackupRequest request, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, () => request.Backup.Source, () => WorkAsync(request, sink, cancellationToken));

    private async Task<PgBackup> WorkAsync(CopyBackupRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        var clock = Stopwatch.StartNew();
        var target = StoreUri.Parse(request.Destination);
        using var source = await CopySource.OpenAsync(request.Backup, cancellationToken).ConfigureAwait(false);
        RefuseSelf(source, target);
        using var progress = new ProgressActivity(sink, $"Copying {source.Name}");
        var meter = new TransferMeter(progress, source.Files.Sum(file => file.Bytes), new Throttle(request.BandwidthLimit));
        if (target.Kind == StoreKind.Folder)
        {
            await CopyToFolder.RunAsync(source, target, meter, sink, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            using var store = RemoteStore.Open(target, meter.Throttle, sink.Log);
            await new CopyToStore(source, store, meter, Patience).RunAsync(cancellationToken).ConfigureAwait(false);
        }

        var took = clock.Elapsed;
        sink.Log.BackupCopied(
            source.Name, PgSize.Format(meter.Moved), PgSize.Format(took), PgSize.Format(meter.Skipped), meter.Moved, took, meter.Skipped);
        var copy = target.Kind == StoreKind.Folder
            ? await StoredBackups.ReadAsync(target.Child(source.Name).ToString(), cancellationToken).ConfigureAwait(false)
            : await ShownAsync(target.Child(source.Name), cancellationToken).ConfigureAwait(false);
        return copy with { Source = request.Backup.Source, Duration = clock.Elapsed };
    }

    /// <summary>The copy as the store shows it, once it does.</summary>
    private async Task<PgBackup> ShownAsync(StoreUri place, CancellationToken cancellationToken)
    {
        PgBackup? copy = null;
        return await RemoteStore.Waiting(Patience).UntilAsync(
            async () =>
            {
                try
                {
                    copy = await StoredBackups.ReadAsync(place.ToString(), cancellationToken).ConfigureAwait(false);
                    return copy.Complete;
                }
                catch (PgOpsException error) when (error.Code == PgErrorCode.PathNotFound)
                {
                    return false;
                }
            },
            cancellationToken).ConfigureAwait(false)
            ? copy!
            : throw CopyToStore.NotShown(place, Patience, [HashList.FileName]);
    }

    /// <summary>Refuses destinations that cannot be used, before a backup is made for them.</summary>
    /// <param name="destinations">Paths or URIs.</param>
    /// <exception cref="PgOpsException">StoreInvalid; ToolMissing for rclone.</exception>
    public static void RequireUsable(IEnumerable<string> destinations)
    {
        ArgumentNullException.ThrowIfNull(destinations);
        foreach (var destination in destinations)
        {
            FileStore.Open(StoreUri.Parse(destination)).Dispose();
        }
    }

    /// <summary>
    /// Copies a backup that was just made. A copy that fails is an error of its own, and does not keep the others from being made.
    /// </summary>
    /// <param name="backup">The backup.</param>
    /// <param name="destinations">Paths or URIs.</param>
    /// <param name="sink">Receives the errors.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <returns>A task.</returns>
    public async Task FollowUpAsync(
        PgBackup backup, IEnumerable<string> destinations, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(backup);
        ArgumentNullException.ThrowIfNull(destinations);
        ArgumentNullException.ThrowIfNull(sink);
        foreach (var destination in destinations)
        {
            try
            {
                await RunAsync(new CopyBackupRequest { Backup = backup, Destination = destination }, sink, cancellationToken)
                    .ConfigureAwait(false);
            }
            catch (PgOpsException error)
            {
                var again = $"Copy-PgBackup {CommandText.Argument(backup.Path)} -Destination {CommandText.Argument(destination)}";
                sink.Failure(error.InState(
                    $"The backup itself is complete: {backup.Path}",
                    $"The backup was not copied to {destination}: {error.Problem}",
                    $"{error.NextStep} {again} goes on with the copy.".TrimStart(),
                    backup));
            }
        }
    }

    /// <summary>Says what <see cref="RunAsync"/> would do; looks at both ends and touches nothing.</summary>
    /// <param name="request">What, and where to.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The plan in words.</returns>
    /// <exception cref="PgOpsException">The refusal that the copy would meet.</exception>
    public async Task<string> PreviewAsync(CopyBackupRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        var target = StoreUri.Parse(request.Destination);
        using var source = await CopySource.OpenAsync(request.Backup, cancellationToken).ConfigureAwait(false);
        RefuseSelf(source, target);
        using var store = FileStore.Open(target);
        source.RefuseOther(target, await source.ListAtAsync(store, cancellationToken).ConfigureAwait(false));
        var there = (await store.ListAsync(source.Name, cancellationToken)
            .ConfigureAwait(false)).ToDictionary(file => file.Name, file => file.Bytes);
        var missing = source.Files.Where(file => there.GetValueOrDefault(file.Name, -1) != file.Bytes).ToList();
        return string.Create(
            CultureInfo.InvariantCulture,
            $"Copy {source.Uri} ({PgAmount.Of(source.Files.Count + 1, "file")}, {PgSize.Format(source.Files.Sum(file => file.Bytes))}) "
                + $"to {target.Child(source.Name)}: ")
            + string.Create(
                CultureInfo.InvariantCulture,
                $"send {PgAmount.Of(missing.Count, "file")}, {PgSize.Format(missing.Sum(file => file.Bytes))}; "
                    + $"check every hash at the far end; {HashList.FileName} last.");
    }

    private static void RefuseSelf(CopySource source, StoreUri target)
    {
        if (source.Uri == target.Child(source.Name))
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument, $"{source.Uri} cannot be copied onto itself.",
                nextStep: "Give another destination: the folder or store that will hold it.");
        }
    }
}
