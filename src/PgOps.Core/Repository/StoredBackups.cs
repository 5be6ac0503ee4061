using Microsoft.Extensions.Logging;
using PgOps.Core.Common.Files;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Streams;
using PgOps.Core.Common.Text;
using PgOps.Core.Repository.Signing;
using PgOps.Core.Repository.Storage;

namespace PgOps.Core.Repository;

/// <summary>The backups in a store. Looks at names, manifests, lists of hashes and the ledger, not at every byte.</summary>
public static class StoredBackups
{
    private const string NotThere = "the service lists it and has none of its files: it was just removed, or is not to be seen yet";
    private const string Unfinished = "it is unfinished: its copy still runs or broke off; Copy-PgBackup goes on with it";

    /// <summary>Reads one backup, in a folder or a store.</summary>
    /// <param name="place">Its folder or URI.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The backup; what is wrong with it is its <see cref="PgBackup.Problem"/>.</returns>
    /// <exception cref="PgOpsException">PathNotFound, PathInaccessible; StoreInvalid, StoreFailed, PermissionDenied,
    /// ToolMissing.</exception>
    public static async Task<PgBackup> ReadAsync(string place, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(place);
        if (!StoreUri.IsRemote(place))
        {
            return BackupFolder.Read(StoreUri.Parse(place).Path);
        }

        return await TryReadAsync(place, cancellationToken).ConfigureAwait(false)
            ?? throw new PgOpsException(
                PgErrorCode.PathNotFound, $"There is no backup at {place}.", nextStep: "Get-PgBackup lists the backups of a store.");
    }

    /// <summary>Reads the backup at a store's URI.</summary>
    /// <param name="place">The URI.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The backup; null when the URI is that of a place for backups.</returns>
    /// <exception cref="PgOpsException">PathNotFound, StoreInvalid, StoreFailed, PermissionDenied, ToolMissing.</exception>
    public static async Task<PgBackup?> TryReadAsync(string place, CancellationToken cancellationToken)
    {
        var (found, proven) = await FindAsync(place, cancellationToken).ConfigureAwait(false);
        return found.Count == 1 && StoreUri.Parse(found[0].Path).Path == StoreUri.Parse(place).Path
            ? DrillLedger.Mark(found[0], proven)
            : null;
    }

    /// <summary>Whether a text is the URI of a store, and no folder's.</summary>
    /// <param name="place">A path or URI.</param>
    /// <returns>Whether it is.</returns>
    public static bool IsStore(string place) => place is not null && StoreUri.IsRemote(place);

    /// <summary>Whether a text names a store, a folder's URI included, and is not a path of the shell's.</summary>
    /// <param name="place">What the user gave.</param>
    /// <returns>Whether it is a URI.</returns>
    public static bool IsUri(string place) => place is not null && StoreUri.IsUri(place);

    /// <summary>Reads a URI as the core wants it: a folder's as its path, a store's checked.</summary>
    /// <param name="place">A URI or full path.</param>
    /// <returns>The path or URI.</returns>
    /// <exception cref="PgOpsException">StoreInvalid: not understood, or it holds a secret.</exception>
    public static string Place(string place)
    {
        ArgumentNullException.ThrowIfNull(place);
        return StoreUri.Parse(place).ToString();
    }

    /// <summary>
    /// Removes a backup from a store: its list of hashes first, so that an interruption leaves nothing that looks like a backup.
    /// </summary>
    /// <param name="place">The backup's URI.</param>
    /// <param name="cancellationToken">Stops; a second call removes the rest.</param>
    /// <returns>A task.</returns>
    /// <exception cref="PgOpsException">StoreInvalid, StoreFailed; PermissionDenied, also for an object that is locked.</exception>
    internal static async Task DeleteAsync(string place, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(place);
        var uri = StoreUri.Parse(place);
        if (uri.Kind == StoreKind.Folder || uri.Parent is not { } parent)
        {
            throw new PgOpsException(PgErrorCode.StoreInvalid, $"{uri} is not a backup in a store.", "Nothing was removed.");
        }

        using var store = RemoteStore.Open(parent, new Throttle(null));
        await BackupEraser.EraseAsync(store, uri.Name, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The backups below a URI, or the one at it, and which of them are proven by the ledger beside them.</summary>
    internal static async Task<(IReadOnlyList<PgBackup> Found, IReadOnlyDictionary<string, DrillProof> Proven)> FindAsync(
        string place, CancellationToken cancellationToken, BackupKey? key = null, ILogger? log = null)
    {
        var uri = StoreUri.Parse(place);
        using var below = FileStore.Open(uri);
        var files = await below.ListAsync("", cancellationToken).ConfigureAwait(false);
        var single = uri.Parent is not null
            && (BackupFolder.IsBackupName(uri.Name) || files.Any(file => file.Name is ManifestJson.FileName or HashList.FileName));
        if (!single)
        {
            return await DescribeAsync(below, Groups(files), files, key, log, cancellationToken).ConfigureAwait(false);
        }

        using var beside = FileStore.Open(uri.Parent!);
        if (files.Count == 0)
        {
            (files, _) = await StoredFiles.OfAsync(beside, uri.Name, cancellationToken).ConfigureAwait(false);
        }

        return files.Count == 0
            ? throw new PgOpsException(
                PgErrorCode.PathNotFound, $"There is nothing at {uri}.", nextStep: "Get-PgBackup lists the backups of a store.")
            : await DescribeAsync(
                beside, new Dictionary<string, List<StoredFile>> { [uri.Name] = [.. files] }, [], key, log, cancellationToken)
                .ConfigureAwait(false);
    }

    private static Dictionary<string, List<StoredFile>> Groups(IReadOnlyList<StoredFile> files)
        => files
            .Select(file => (File: file, Slash: file.Name.IndexOf('/', StringComparison.Ordinal)))
            .Where(found => found.Slash > 0)
            .GroupBy(found => found.File.Name[..found.Slash], found => found.File with { Name = found.File.Name[(found.Slash + 1)..] })
            .Where(group => BackupFolder.IsBackupName(group.Key)
                || group.Any(file => file.Name is ManifestJson.FileName or HashList.FileName))
            .ToDictionary(group => group.Key, group => group.ToList(), StringComparer.Ordinal);

    private static async Task<(IReadOnlyList<PgBackup>, IReadOnlyDictionary<string, DrillProof>)> DescribeAsync(
        FileStore store,
        Dictionary<string, List<StoredFile>> groups,
        IReadOnlyList<StoredFile> listed,
        BackupKey? key,
        ILogger? log,
        CancellationToken cancellationToken)
    {
        // A late listing may lack either file of a backup that has both.
        var wanted = groups.Keys.SelectMany(name => new[]
        {
            StoreUri.Join(name, ManifestJson.FileName), StoreUri.Join(name, HashList.FileName),
        });
        var contents = new Dictionary<string, byte[]>(
            await store.ReadAsync([.. wanted, DrillLedger.FileName, BackupHolds.FileName], cancellationToken).ConfigureAwait(false),
            StringComparer.Ordinal);
        foreach (var name in new[] { DrillLedger.FileName, BackupHolds.FileName })
        {
            // Without them a backup would lose its proof or its hold, and with that its place.
            if (!contents.ContainsKey(name) && listed.Any(file => file.Name == name))
            {
                contents[name] = await StoredFiles.InsistAsync(store, name, RemoteStore.Patience, cancellationToken).ConfigureAwait(false);
            }
        }

        var gone = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, files) in groups.ToList())
        {
            var list = contents.GetValueOrDefault(StoreUri.Join(name, HashList.FileName));
            groups[name] = list is null ? await WithoutListAsync(store, name, files, cancellationToken).ConfigureAwait(false)
                : [.. await StoredFiles.CompleteAsync(store, name, files, list, cancellationToken).ConfigureAwait(false)];
            if (list is null && !contents.ContainsKey(StoreUri.Join(name, ManifestJson.FileName))
                && !await StoredFiles.HasAnyAsync(store, name, files.Select(file => file.Name), cancellationToken).ConfigureAwait(false))
            {
                gone.Add(name);
            }
        }

        var holds = BackupHolds.Read(
            contents.GetValueOrDefault(BackupHolds.FileName) ?? [], store.Uri.Child(BackupHolds.FileName).ToString(), log);
        var found = groups.Select(group => BackupHolds.Mark(
            Describe(
                store.Uri.Child(group.Key),
                group.Value,
                contents.GetValueOrDefault(StoreUri.Join(group.Key, ManifestJson.FileName)),
                contents.GetValueOrDefault(StoreUri.Join(group.Key, HashList.FileName)),
                gone.Contains(group.Key) ? NotThere : Unfinished),
            holds)).ToList();
        var proven = DrillLedger.ReadProven(
            contents.GetValueOrDefault(DrillLedger.FileName) ?? [],
            () => groups.Keys.Select(name => (
                DrillLedger.HashOf(contents.GetValueOrDefault(StoreUri.Join(name, ManifestJson.FileName))),
                DrillLedger.HashOf(contents.GetValueOrDefault(StoreUri.Join(name, HashList.FileName))))).ToHashSet(),
            key);
        return (found, proven);
    }

    /// <summary>
    /// The files of what has no list of hashes. A late listing may show one, and the mark of a removal that is over: that mark would let a
    /// backup go which has been copied here since.
    /// </summary>
    private static async Task<List<StoredFile>> WithoutListAsync(
        FileStore store, string name, List<StoredFile> files, CancellationToken cancellationToken)
    {
        var marked = files.Exists(file => file.Name == FileEndings.Removing)
            && await StoredFiles.HasAnyAsync(store, name, [FileEndings.Removing], cancellationToken).ConfigureAwait(false);
        return [.. files.Where(file => file.Name != HashList.FileName && (marked || file.Name != FileEndings.Removing))];
    }

    private static PgBackup Describe(StoreUri uri, List<StoredFile> files, byte[]? manifest, byte[]? list, string withoutList)
    {
        var written = files.Select(file => file.Modified).DefaultIfEmpty().Max();
        var backup = BackupFolder.Describe(uri.ToString(), uri.Name, files, manifest, written);
        if (list is null && !backup.RemovalBegun)
        {
            return backup with { Complete = false, Problem = withoutList };
        }

        var present = files.Select(file => file.Name).ToHashSet(StringComparer.Ordinal);
        var missing = HashList.Parse(list ?? []).Hashes.Keys.Where(name => !present.Contains(name)).Order(StringComparer.Ordinal).ToList();
        return missing.Count == 0 || !backup.Complete
            ? backup
            : backup with
            {
                Complete = false,
                Problem = $"{NameList.InSentence(missing, 1)} {(missing.Count == 1 ? "is" : "are")} missing",
            };
    }
}
