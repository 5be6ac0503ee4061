using PgOps.Core.Common.Files;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Streams;
using PgOps.Core.Common.Text;
using PgOps.Core.Repository.Storage;

namespace PgOps.Core.Repository;

/// <summary>Copies a backup into a folder: under a name that ends in <c>.partial</c>, checked on disk, synced, renamed.</summary>
internal static class CopyToFolder
{
    /// <summary>Copies. A failure removes what was written; what a killed run left is taken up.</summary>
    internal static async Task RunAsync(
        CopySource source, StoreUri target, TransferMeter meter, IOperationSink sink, CancellationToken cancellationToken)
    {
        var final = target.Child(source.Name).Path;
        try
        {
            if (Directory.Exists(final))
            {
                await RequireSameAsync(source, target, meter, cancellationToken).ConfigureAwait(false);
                return;
            }

            using var folder = await PartialFolder.ResumeAsync(target.Path, source.Name, cancellationToken).ConfigureAwait(false);
            PartialFolder.Sweep(target.Path, sink.Log);
            var kept = await KeepAsync(source, folder.Path, cancellationToken).ConfigureAwait(false);
            var wanted = source.Files.Where(file => !kept.Contains(file.Name))
                .Select(file => new StoredFile(file.Name, file.Bytes, default)).ToList();
            meter.Skip(source.Files.Where(file => kept.Contains(file.Name)).Sum(file => file.Bytes));
            FreeSpace.Require(target.Path, wanted.Sum(file => file.Bytes), "Make room, or copy to another disk.");
            await source.Store.FetchAsync(source.Name, wanted, folder.Path, meter, cancellationToken).ConfigureAwait(false);
            await CheckAsync(source, folder.Path, cancellationToken).ConfigureAwait(false);
            await DurableFile.WriteAsync(Path.Combine(folder.Path, HashList.FileName), source.List, cancellationToken)
                .ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            folder.Finish();
            if (DurableFile.IsOpenToOthers(folder.FinalPath))
            {
                sink.Log.CopyOpenToOthers(folder.FinalPath);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw FreeSpace.Error(target.Path, error);
        }
    }

    private static async Task RequireSameAsync(CopySource source, StoreUri target, TransferMeter meter, CancellationToken cancellationToken)
    {
        using var there = new FolderStore(target);
        source.RefuseOther(target, await source.ListAtAsync(there, cancellationToken).ConfigureAwait(false));
        var check = await TestBackup.HashesAsync(target.Child(source.Name).Path, cancellationToken).ConfigureAwait(false);
        if (check.Status != PgCheckStatus.Passed)
        {
            throw new PgOpsException(
                PgErrorCode.BackupDamaged,
                $"At {target.Child(source.Name)} there is a damaged copy: {check.Detail}",
                "Nothing was copied.",
                "Remove that folder, then run the command again.");
        }

        meter.Skip(source.Files.Sum(file => file.Bytes));
    }

    /// <summary>Keeps the files that are right, and removes what a killed run left otherwise.</summary>
    private static async Task<HashSet<string>> KeepAsync(CopySource source, string folder, CancellationToken cancellationToken)
    {
        var present = Files(folder);
        var hashed = await HashList.HashAsync(folder, present, null, cancellationToken).ConfigureAwait(false);
        var kept = hashed.Where(source.Files.Contains).Select(file => file.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var name in present.Append(HashList.FileName).Where(name => !kept.Contains(name)))
        {
            File.Delete(Path.Combine(folder, name));
        }

        return kept;
    }

    /// <summary>The files that are there, the signature among them, which the list of hashes does not name.</summary>
    private static List<string> Files(string folder)
    {
        var names = HashList.Files(folder).Where(name => name != OwnerFile.FileName).ToList();
        if (File.Exists(Path.Combine(folder, HashList.SignatureFileName)))
        {
            names.Add(HashList.SignatureFileName);
        }

        return names;
    }

    private static async Task CheckAsync(CopySource source, string folder, CancellationToken cancellationToken)
    {
        foreach (var inside in Directory.EnumerateDirectories(folder, "*", SearchOption.AllDirectories))
        {
            // rclone makes folders as the umask says.
            DurableFile.MakePrivate(inside);
        }

        var names = Files(folder);
        await Parallel.ForEachAsync(names, cancellationToken, (name, _) =>
        {
            DurableFile.Seal(Path.Combine(folder, name));
            return ValueTask.CompletedTask;
        }).ConfigureAwait(false);
        var files = await HashList.HashAsync(folder, names, null, cancellationToken).ConfigureAwait(false);
        var wrong = source.Files.Except(files).Select(file => file.Name).ToList();
        if (wrong.Count > 0)
        {
            throw new PgOpsException(
                PgErrorCode.BackupDamaged,
                $"{source.Uri}: {PgAmount.Of(wrong.Count, "file")} {(wrong.Count == 1 ? "is" : "are")} not what {HashList.FileName} says: "
                    + $"{NameList.InSentence(wrong)}.",
                "What was fetched was removed.",
                "Test-PgBackup says what is damaged. Use another backup, or another copy of this one.");
        }
    }
}
