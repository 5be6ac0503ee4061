using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using PgOps.Core.ClientTools;
using PgOps.Core.Operations;
using PgOps.Core.Stores;

namespace PgOps.Core.Backups;

/// <summary>Which backup to test.</summary>
public sealed record TestBackupRequest
{
    /// <summary>The backup's folder.</summary>
    public required string Path { get; init; }

    /// <summary>Takes PostgreSQL's programs from this folder alone.</summary>
    public string? BinPath { get; init; }
}

/// <summary>
/// Tests a backup at rest: every file is there and no other, every byte is the one that was written (the list of hashes and the
/// manifest included), the manifest makes sense, and pg_restore reads the table of contents. A drill proves more.
/// </summary>
public sealed class TestBackup
{
    private const int NamesShown = 10;

    /// <summary>Tests it.</summary>
    /// <param name="request">Which one.</param>
    /// <param name="sink">Receives progress.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <returns>The checks.</returns>
    /// <exception cref="PgOpsException">PathNotFound or PathInaccessible; a damaged backup is a failed check, not an exception.</exception>
    public async Task<PgBackupTest> RunAsync(TestBackupRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        if (StoreUri.IsRemote(request.Path))
        {
            return await TestStoredBackup.RunAsync(request, sink, cancellationToken).ConfigureAwait(false);
        }

        var clock = Stopwatch.StartNew();
        var backup = BackupFolder.Read(request.Path);
        try
        {
            var test = await CheckAsync(backup, request, sink, cancellationToken).ConfigureAwait(false);
            test = test with { Duration = clock.Elapsed };
            return test;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new PgOpsException(
                PgErrorCode.PathInaccessible,
                $"Cannot read {backup.Path}: {error.Message}",
                nextStep: "If the permissions are right, the disk may be failing: copy the backup elsewhere and test the copy.",
                innerException: error)
            { Subject = backup };
        }
    }

    private static async Task<PgBackupTest> CheckAsync(
        PgBackup backup, TestBackupRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        if (backup.Path.EndsWith(PartialFolder.Ending, StringComparison.Ordinal) || !Directory.EnumerateFileSystemEntries(backup.Path).Any())
        {
            return new PgBackupTest { Backup = backup, Checks = [PgCheck.Fail("files", $"No backup: {backup.Problem}.")] };
        }

        var names = HashList.Files(backup.Path);
        using var progress = new ProgressActivity(sink, $"Testing {Path.GetFileName(backup.Path)}");
        var clock = Stopwatch.StartNew();
        var files = await HashList.HashAsync(backup.Path, names, progress, cancellationToken).ConfigureAwait(false);
        var listPath = Path.Combine(backup.Path, HashList.FileName);
        var list = File.Exists(listPath) ? await File.ReadAllBytesAsync(listPath, cancellationToken).ConfigureAwait(false) : null;
        var hashing = clock.Elapsed;
        List<PgCheck> checks =
        [
            Files(names, list),
            Hashes(files, list) with { Duration = hashing },
            Manifest(ManifestBytes(backup.Path), files),
        ];
        clock.Restart();
        var contents = await ContentsAsync(backup, request.BinPath, null, cancellationToken).ConfigureAwait(false);
        checks.Add(contents with { Duration = clock.Elapsed });
        return new PgBackupTest
        {
            Backup = backup,
            Checks = checks,
            Files = files.Count + (list is null ? 0 : 1),
            Bytes = files.Sum(file => file.Bytes) + (list?.Length ?? 0),
        };
    }

    /// <summary>The check of the hashes alone, for whoever is about to read the backup.</summary>
    /// <param name="folder">The backup's folder.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    internal static async Task<PgCheck> HashesAsync(string folder, CancellationToken cancellationToken)
    {
        var files = await HashList.HashAsync(folder, HashList.Files(folder), null, cancellationToken).ConfigureAwait(false);
        var list = Path.Combine(folder, HashList.FileName);
        return Hashes(files, File.Exists(list) ? await File.ReadAllBytesAsync(list, cancellationToken).ConfigureAwait(false) : null);
    }

    /// <summary>The check that no file is missing and none is extra.</summary>
    internal static PgCheck Files(IReadOnlyList<string> names, byte[]? list)
    {
        const string Name = "files";
        if (list is null)
        {
            return PgCheck.Fail(Name, $"{HashList.FileName} is missing, so nothing says which files belong to the backup.");
        }

        var listed = HashList.Parse(list).Hashes;
        var present = names.ToHashSet(StringComparer.Ordinal);
        var missing = listed.Keys.Where(name => !present.Contains(name)).Order(StringComparer.Ordinal).ToList();
        var extra = names.Where(name => !listed.ContainsKey(name)).ToList();
        if (!present.Contains(ManifestJson.FileName) && !missing.Contains(ManifestJson.FileName))
        {
            missing.Add(ManifestJson.FileName);
        }

        return missing.Count + extra.Count == 0
            ? PgCheck.Pass(Name, string.Create(CultureInfo.InvariantCulture, $"{names.Count + 1} files, none missing, none extra"))
            : PgCheck.Fail(Name, string.Join("; ", new[]
            {
                missing.Count > 0 ? $"missing: {Some(missing)}" : "",
                extra.Count > 0 ? $"not in {HashList.FileName}: {Some(extra)}" : "",
            }.Where(part => part.Length > 0)));
    }

    /// <summary>The check that every file, and the list itself, is what was written.</summary>
    internal static PgCheck Hashes(IReadOnlyList<HashedFile> files, byte[]? list)
    {
        const string Name = "hashes";
        if (list is null)
        {
            return PgCheck.Fail(Name, $"{HashList.FileName} is missing.");
        }

        if (list.AsSpan().SequenceEqual(HashList.Text(files)))
        {
            return PgCheck.Pass(Name, string.Create(
                CultureInfo.InvariantCulture, $"{files.Sum(file => file.Bytes):N0} bytes in {files.Count} files are those that were written"));
        }

        var (hashes, wellFormed) = HashList.Parse(list);
        var damaged = files.Where(file => hashes.TryGetValue(file.Name, out var hash) && hash != file.Hash).Select(file => file.Name).ToList();
        var listDamaged = !wellFormed || damaged.Count == 0;
        return PgCheck.Fail(Name, string.Join("; ", new[]
        {
            damaged.Count > 0 ? $"damaged: {Some(damaged)}" : "",
            listDamaged ? $"{HashList.FileName} itself is not what its files make it" : "",
        }.Where(part => part.Length > 0)) + ". Use another backup, or another copy of this one.");
    }

    private static byte[]? ManifestBytes(string folder)
    {
        var path = Path.Combine(folder, ManifestJson.FileName);
        return File.Exists(path) ? File.ReadAllBytes(path) : null;
    }

    /// <summary>The check that the manifest makes sense.</summary>
    internal static PgCheck Manifest(byte[]? json, IReadOnlyList<HashedFile> files)
    {
        const string Name = "manifest";
        if (json is null)
        {
            return PgCheck.Fail(Name, $"{ManifestJson.FileName} is missing.");
        }

        PgBackupManifest manifest;
        try
        {
            manifest = ManifestJson.Read(json);
        }
        catch (JsonException error)
        {
            return PgCheck.Fail(Name, $"{ManifestJson.FileName} cannot be read: {error.Message}.");
        }

        var payload = manifest.Payload.Path;
        var bytes = files
            .Where(file => BackupFolder.IsWithin(file.Name, payload))
            .Sum(file => file.Bytes);
        return bytes == manifest.Payload.Bytes
            ? PgCheck.Pass(Name, string.Create(
                CultureInfo.InvariantCulture,
                $"{manifest.Format}, {manifest.Tables.Count} tables, {manifest.Tables.Sum(table => table.Rows):N0} rows, fingerprint {manifest.Fingerprint}"))
            : PgCheck.Fail(Name, string.Create(
                CultureInfo.InvariantCulture, $"{payload} has {bytes} bytes, the manifest says {manifest.Payload.Bytes}."));
    }

    /// <summary>The check that pg_restore reads the table of contents.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="binPath">Folder of pg_restore.</param>
    /// <param name="archive">The archive's bytes, where they are not in a file on this machine.</param>
    /// <param name="cancellationToken">Ends pg_restore.</param>
    internal static async Task<PgCheck> ContentsAsync(PgBackup backup, string? binPath, Stream? archive, CancellationToken cancellationToken)
    {
        const string Name = "table-of-contents";
        if (backup.Manifest is not { } manifest)
        {
            return PgCheck.Skip(Name, "Without a manifest nothing says what should be in it.");
        }

        var path = Path.Combine(backup.Folder, manifest.Payload.Path);
        if (archive is null && !Path.Exists(path))
        {
            return PgCheck.Fail(Name, $"{manifest.Payload.Path} is missing.");
        }

        try
        {
            var pgRestore = PostgresBinaries.Client("pg_restore", ToolMajor(manifest), binPath);
            var contents = await ArchiveContents.ReadAsync(pgRestore, path, cancellationToken, archive).ConfigureAwait(false);
            var missing = contents.Missing(manifest.Tables);
            return missing.Count == 0
                ? PgCheck.Pass(Name, string.Create(
                    CultureInfo.InvariantCulture, $"pg_restore {pgRestore.Version} reads {contents.Entries} entries, {contents.TableCount} tables with rows"))
                : PgCheck.Fail(Name, $"no rows in the archive for {Some([.. missing.Select(table => table.ToString())])}");
        }
        catch (PgOpsException error) when (error.Code is PgErrorCode.ToolMissing or PgErrorCode.ToolTooOld)
        {
            return PgCheck.Skip(Name, $"{error.Problem} {error.NextStep}");
        }
        catch (PgOpsException error) when (error.Code == PgErrorCode.ToolFailed)
        {
            return PgCheck.Fail(Name, error.Problem);
        }
    }

    /// <summary>The major version of the pg_dump that wrote the archive; 0 when the manifest does not say.</summary>
    private static int ToolMajor(PgBackupManifest manifest)
        => PostgresBinaries.MajorOf(manifest.Payload.Tool[(manifest.Payload.Tool.LastIndexOf(' ') + 1)..]) ?? 0;

    private static string Some(List<string> names) => names.Count <= NamesShown
        ? string.Join(", ", names)
        : string.Create(CultureInfo.InvariantCulture, $"{string.Join(", ", names.Take(NamesShown))} and {names.Count - NamesShown} more");
}
