using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging;
using PgOps.Core.Backups;
using PgOps.Core.Backups.Signing;
using PgOps.Core.Operations;

namespace PgOps.Core.Stores;

/// <summary>Which backup to copy, and where to.</summary>
public sealed record CopyBackupRequest
{
    /// <summary>The backup, in a folder or a store.</summary>
    public required PgBackup Backup { get; init; }

    /// <summary>The folder or store that will hold it under the same name: a path or a URI.</summary>
    public required string Destination { get; init; }

    /// <summary>Most bytes a second; null for no limit.</summary>
    public long? BandwidthLimit { get; init; }
}

/// <summary>
/// Copies a backup between folders and stores. Files that are there with the right hash are not sent again; every file is checked at
/// the far end; in a store the list of hashes goes last, in a folder the name without <c>.partial</c> comes last.
/// </summary>
public sealed class CopyBackup
{
    /// <summary>Copies.</summary>
    /// <param name="request">What, and where to.</param>
    /// <param name="sink">Receives progress and log lines.</param>
    /// <param name="cancellationToken">Stops; a second run goes on where this one stopped.</param>
    /// <returns>The copy.</returns>
    /// <exception cref="PgOpsException">
    /// BackupDamaged, TargetNotEmpty when another backup has its name there, DiskFull, PathNotFound, PathInaccessible, StoreInvalid,
    /// StoreFailed, PermissionDenied, ToolMissing.
    /// </exception>
    public async Task<PgBackup> RunAsync(CopyBackupRequest request, IOperationSink sink, CancellationToken cancellationToken)
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
            using var store = RemoteStore.Open(target, meter.Throttle);
            await new CopyToStore(source, store, meter).RunAsync(cancellationToken).ConfigureAwait(false);
        }

        sink.Log.LogInformation("{Summary}", string.Create(
            CultureInfo.InvariantCulture,
            $"{source.Name}: {PgSize.Format(meter.Moved)} copied in {PgSize.Format(clock.Elapsed)}, {PgSize.Format(meter.Skipped)} were there already."));
        var copy = await StoredBackups.ReadAsync(target.Child(source.Name).ToString(), cancellationToken).ConfigureAwait(false);
        return copy with { Source = request.Backup.Source, Duration = clock.Elapsed };
    }

    /// <summary>Refuses destinations that cannot be used, before a backup is made for them.</summary>
    /// <param name="destinations">Paths or URIs.</param>
    /// <exception cref="PgOpsException">StoreInvalid; ToolMissing for rclone.</exception>
    public static void RequireUsable(IEnumerable<string> destinations)
    {
        ArgumentNullException.ThrowIfNull(destinations);
        foreach (var destination in destinations)
        {
            BackupStore.Open(StoreUri.Parse(destination)).Dispose();
        }
    }

    /// <summary>Copies a backup that was just made. A copy that fails is an error of its own, and does not keep the others from being made.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="destinations">Paths or URIs.</param>
    /// <param name="sink">Receives the errors.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <returns>A task.</returns>
    public async Task FollowUpAsync(PgBackup backup, IEnumerable<string> destinations, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(backup);
        ArgumentNullException.ThrowIfNull(destinations);
        ArgumentNullException.ThrowIfNull(sink);
        foreach (var destination in destinations)
        {
            try
            {
                await RunAsync(new CopyBackupRequest { Backup = backup, Destination = destination }, sink, cancellationToken).ConfigureAwait(false);
            }
            catch (PgOpsException error)
            {
                sink.Failure(new PgOpsException(
                    error.Code,
                    $"The backup was not copied to {destination}: {error.Problem}",
                    $"The backup itself is complete: {backup.Path}",
                    $"{error.NextStep} Copy-PgBackup '{backup.Path}' -Destination '{destination}' goes on with the copy.".TrimStart(),
                    error)
                { Subject = backup });
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
        using var store = BackupStore.Open(target);
        source.RefuseOther(target, await source.ListAtAsync(store, cancellationToken).ConfigureAwait(false));
        var there = (await store.ListAsync(source.Name, cancellationToken).ConfigureAwait(false)).ToDictionary(file => file.Name, file => file.Bytes);
        var missing = source.Files.Where(file => there.GetValueOrDefault(file.Name, -1) != file.Bytes).ToList();
        return string.Create(
            CultureInfo.InvariantCulture,
            $"Copy {source.Uri} ({source.Files.Count + 1} files, {PgSize.Format(source.Files.Sum(file => file.Bytes))}) to {target.Child(source.Name)}: ")
            + string.Create(
                CultureInfo.InvariantCulture,
                $"send {Amount.Of(missing.Count, "file")}, {PgSize.Format(missing.Sum(file => file.Bytes))}; check every hash at the far end; {HashList.FileName} last.");
    }

    private static void RefuseSelf(CopySource source, StoreUri target)
    {
        if (source.Uri == target.Child(source.Name))
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument, $"{source.Uri} cannot be copied onto itself.", nextStep: "Give another destination: the folder or store that will hold it.");
        }
    }
}

/// <summary>The backup that is copied, with its list of hashes.</summary>
internal sealed class CopySource : IDisposable
{
    private CopySource(StoreUri uri, BackupStore store, byte[] list, IReadOnlyList<HashedFile> files)
    {
        Uri = uri;
        Store = store;
        List = list;
        Files = files;
    }

    /// <summary>The backup's place.</summary>
    internal StoreUri Uri { get; }

    /// <summary>The store that holds it.</summary>
    internal BackupStore Store { get; }

    /// <summary>Its name, the same everywhere.</summary>
    internal string Name => Uri.Name;

    /// <summary>The list of hashes.</summary>
    internal byte[] List { get; }

    /// <summary>The files it lists, with their sizes.</summary>
    internal IReadOnlyList<HashedFile> Files { get; }

    /// <summary>Opens a backup.</summary>
    /// <exception cref="PgOpsException">BackupDamaged when it is not complete; InvalidArgument for a foreign dump.</exception>
    internal static async Task<CopySource> OpenAsync(PgBackup backup, CancellationToken cancellationToken)
    {
        if (backup.Foreign)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"{backup.Path} was not made by PgOps: nothing says what a whole copy of it would be.",
                "Nothing was copied.",
                "Copy it with the system's own means.");
        }

        var uri = StoreUri.Parse(backup.Path);
        var store = BackupStore.Open(uri.Parent ?? throw new PgOpsException(PgErrorCode.InvalidArgument, $"{uri} is no backup."));
        try
        {
            var present = (await store.ListAsync(uri.Name, cancellationToken).ConfigureAwait(false))
                .ToDictionary(file => file.Name, file => file.Bytes, StringComparer.Ordinal);
            var list = (await store.ReadAsync([StoreUri.Join(uri.Name, HashList.FileName)], cancellationToken).ConfigureAwait(false)).Values.FirstOrDefault();
            var (hashes, wellFormed) = HashList.Parse(list ?? []);
            var missing = hashes.Keys.Append(ManifestJson.FileName).FirstOrDefault(name => !present.ContainsKey(name));
            if (list is null || !wellFormed || missing is not null)
            {
                throw new PgOpsException(
                    PgErrorCode.BackupDamaged,
                    $"{uri} is not complete: {(list is null ? HashList.FileName + " is missing" : missing is null ? HashList.FileName + " cannot be read" : missing + " is missing")}.",
                    "Nothing was copied.",
                    "Copy another backup; Get-PgBackup shows which are complete.");
            }

            FileNames.RefuseUnsafe(uri, hashes.Keys);
            var files = hashes.Select(hash => new HashedFile(hash.Key, present[hash.Key], hash.Value)).ToList();
            if (present.ContainsKey(BackupSignature.FileName))
            {
                var name = StoreUri.Join(uri.Name, BackupSignature.FileName);
                var signature = (await store.ReadAsync([name], cancellationToken).ConfigureAwait(false)).Values.First();
                files.Add(new HashedFile(BackupSignature.FileName, signature.Length, Drills.DrillLedger.HashOf(signature)));
            }

            return new CopySource(uri, store, list, files);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>The list of hashes that stands at the destination; null when there is none.</summary>
    internal async Task<byte[]?> ListAtAsync(BackupStore target, CancellationToken cancellationToken)
        => (await target.ReadAsync([StoreUri.Join(Name, HashList.FileName)], cancellationToken).ConfigureAwait(false)).Values.FirstOrDefault();

    /// <summary>Refuses to touch another backup of the same name.</summary>
    /// <exception cref="PgOpsException">TargetNotEmpty.</exception>
    internal void RefuseOther(StoreUri target, byte[]? list)
    {
        if (list is not null && !list.AsSpan().SequenceEqual(List))
        {
            throw new PgOpsException(
                PgErrorCode.TargetNotEmpty,
                $"At {target.Child(Name)} there is another backup, or a damaged copy: its {HashList.FileName} differs.",
                "Nothing was copied.",
                "Test-PgBackup says whether it is sound. Copy to another place, or remove it first.");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Store.Dispose();
}
