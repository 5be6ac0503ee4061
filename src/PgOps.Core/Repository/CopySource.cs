using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Operations;
using PgOps.Core.Repository.Storage;

namespace PgOps.Core.Repository;

/// <summary>The backup that is copied, with its list of hashes.</summary>
internal sealed class CopySource : IDisposable
{
    private CopySource(StoreUri uri, FileStore store, byte[] list, IReadOnlyList<HashedFile> files)
    {
        Uri = uri;
        Store = store;
        List = list;
        Files = files;
    }

    /// <summary>The backup's place.</summary>
    internal StoreUri Uri { get; }

    /// <summary>The store that holds it.</summary>
    internal FileStore Store { get; }

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
        var store = FileStore.Open(uri.Parent ?? throw new PgOpsException(PgErrorCode.InvalidArgument, $"{uri} is not a backup."));
        return await store.OrDisposeAsync(async () =>
        {
            var (files, list) = await StoredFiles.OfAsync(store, uri.Name, cancellationToken).ConfigureAwait(false);
            var present = files.ToDictionary(file => file.Name, file => file.Bytes, StringComparer.Ordinal);
            var (hashes, wellFormed) = HashList.Parse(list ?? []);
            var missing = hashes.Keys.Append(ManifestJson.FileName).FirstOrDefault(name => !present.ContainsKey(name));
            if (list is null || !wellFormed || missing is not null)
            {
                throw new PgOpsException(
                    PgErrorCode.BackupDamaged,
                    $"{uri} is not complete: "
                        + (list is null ? $"{HashList.FileName} is missing."
                            : missing is null ? $"{HashList.FileName} cannot be read."
                            : $"{missing} is missing."),
                    "Nothing was copied.",
                    "Copy another backup; Get-PgBackup shows which are complete.");
            }

            FileNames.RefuseUnsafe(uri, hashes.Keys);
            var hashed = hashes.Select(hash => new HashedFile(hash.Key, present[hash.Key], hash.Value)).ToList();
            if (present.ContainsKey(HashList.SignatureFileName))
            {
                var name = StoreUri.Join(uri.Name, HashList.SignatureFileName);
                var signature = (await store.ReadAsync([name], cancellationToken).ConfigureAwait(false)).Values.First();
                hashed.Add(new HashedFile(HashList.SignatureFileName, signature.Length, DrillLedger.HashOf(signature)));
            }

            return new CopySource(uri, store, list, hashed);
        }).ConfigureAwait(false);
    }

    /// <summary>The list of hashes that stands at the destination; null when there is none.</summary>
    internal Task<byte[]?> ListAtAsync(FileStore target, CancellationToken cancellationToken)
        => StoredFiles.ListOfAsync(target, Name, cancellationToken);

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
