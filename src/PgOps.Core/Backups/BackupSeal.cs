using PgOps.Core.Common.Files;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Operations;
using PgOps.Core.Repository;
using PgOps.Core.Repository.Signing;

namespace PgOps.Core.Backups;

/// <summary>The last steps of a backup: encrypt, hash, close. From then on it is what its list of hashes says.</summary>
internal static class BackupSeal
{
    /// <summary>Puts an encrypted file in the place of each plain one of the archive.</summary>
    internal static async Task EncryptAsync(
        Encryptor encryptor, string archive, string database, IOperationSink sink, CancellationToken cancellationToken)
    {
        using var progress = new ProgressActivity(sink, $"Encrypting the backup of {database}");
        var sizes = Directory.GetFiles(archive).ToDictionary(file => file, file => new FileInfo(file).Length);
        long encrypted = 0;
        await encryptor.ReplaceAsync(
            [.. sizes.Keys],
            file => progress.ReportBytes(Path.GetFileName(file), Interlocked.Add(ref encrypted, sizes[file]), sizes.Values.Sum()),
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Brings every file to the disk, and hashes it.</summary>
    internal static async Task<IReadOnlyList<HashedFile>> HashAsync(
        string folder, string database, IOperationSink sink, CancellationToken cancellationToken)
    {
        using var progress = new ProgressActivity(sink, $"Hashing the backup of {database}");
        var names = HashList.Files(folder).Where(name => name != OwnerFile.FileName).ToList();
        await Parallel.ForEachAsync(names, cancellationToken, (name, _) =>
        {
            DurableFile.Seal(Path.Combine(folder, name));
            return ValueTask.CompletedTask;
        }).ConfigureAwait(false);
        return await HashList.HashAsync(folder, names, progress, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes manifest, list of hashes and signature, and gives the folder its final name: the last act.</summary>
    /// <returns>Bytes of all files.</returns>
    internal static async Task<long> CloseAsync(
        PartialFolder folder,
        PgBackupManifest manifest,
        IReadOnlyList<HashedFile> files,
        Encryptor? encryptor,
        BackupKey? key,
        CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder.Path, ManifestJson.FileName);
        List<string> names = [ManifestJson.FileName];
        if (encryptor is not null)
        {
            await encryptor.WriteAsync(path, ManifestJson.Write(manifest), cancellationToken).ConfigureAwait(false);
            names.Add(ManifestJson.FileName + encryptor.Ending);
            manifest = SealedManifest.Readable(manifest);
        }

        await DurableFile.WriteAsync(path, ManifestJson.Write(manifest), cancellationToken).ConfigureAwait(false);
        var last = await HashList.HashAsync(folder.Path, names, null, cancellationToken).ConfigureAwait(false);
        var list = HashList.Text(files.Concat(last));
        await DurableFile.WriteAsync(Path.Combine(folder.Path, HashList.FileName), list, cancellationToken).ConfigureAwait(false);
        var signature = key?.Sign(SignedSubject.Backup, list).ToBytes() ?? [];
        if (key is not null)
        {
            await DurableFile.WriteAsync(
                Path.Combine(folder.Path, HashList.SignatureFileName), signature, cancellationToken).ConfigureAwait(false);
        }

        cancellationToken.ThrowIfCancellationRequested();
        folder.Finish();
        return files.Concat(last).Sum(file => file.Bytes) + list.Length + signature.Length;
    }
}
