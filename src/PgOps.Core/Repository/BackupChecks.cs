using System.Globalization;
using System.Text.Json;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Text;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Repository.Archives;
using PgOps.Core.Sql;

namespace PgOps.Core.Repository;

/// <summary>The checks of a backup at rest. A further one is a method here and a line in <see cref="TestBackup"/>.</summary>
internal static class BackupChecks
{

    /// <summary>files: those that the list names, no more and no fewer.</summary>
    internal static PgCheck Files(IReadOnlyList<string> names, byte[]? list)
    {
        const string Name = PgCheckName.Files;
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
            ? PgCheck.Pass(Name, $"{PgAmount.Of(names.Count + 1, "file")}, none missing, none extra")
            : PgCheck.Fail(Name, string.Join("; ", new[]
            {
                missing.Count > 0 ? $"missing: {NameList.InSentence(missing)}" : "",
                extra.Count > 0 ? $"not in {HashList.FileName}: {NameList.InSentence(extra)}" : "",
            }.Where(part => part.Length > 0)));
    }

    /// <summary>hashes: every byte is the one that was written, the list's own included.</summary>
    internal static PgCheck Hashes(IReadOnlyList<HashedFile> files, byte[]? list)
    {
        const string Name = PgCheckName.Hashes;
        if (list is null)
        {
            return PgCheck.Fail(Name, $"{HashList.FileName} is missing.");
        }

        if (list.AsSpan().SequenceEqual(HashList.Text(files)))
        {
            return PgCheck.Pass(Name, string.Create(
                CultureInfo.InvariantCulture,
                $"{PgAmount.Of(files.Sum(file => file.Bytes), "byte")} in {PgAmount.Of(files.Count, "file")}, as they were written"));
        }

        var (hashes, wellFormed) = HashList.Parse(list);
        var damaged = files.Where(file => hashes.TryGetValue(file.Name, out var hash) && hash != file.Hash).Select(file => file.Name)
            .ToList();
        var listDamaged = !wellFormed || damaged.Count == 0;
        return PgCheck.Fail(Name, string.Join("; ", new[]
        {
            damaged.Count > 0 ? $"damaged: {NameList.InSentence(damaged)}" : "",
            listDamaged ? $"{HashList.FileName} itself is not what its files make it" : "",
        }.Where(part => part.Length > 0)) + ". Use another backup, or another copy of this one.");
    }

    /// <summary>manifest: it can be read, and the payload is as long as it says.</summary>
    /// <param name="json">Its bytes; null when it is not there.</param>
    /// <param name="files">The files of the backup.</param>
    internal static PgCheck Manifest(byte[]? json, IReadOnlyList<HashedFile> files)
    {
        const string Name = PgCheckName.Manifest;
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
                $"{manifest.Format}, {PgAmount.Of(manifest.Tables.Count, "table")}, "
                    + $"{PgAmount.Of(manifest.Tables.Sum(table => table.Rows), "row")}, fingerprint {manifest.Fingerprint}"))
            : PgCheck.Fail(Name, string.Create(
                CultureInfo.InvariantCulture,
                $"{payload} has {PgAmount.Of(bytes, "byte")}, the manifest says {manifest.Payload.Bytes:N0}."));
    }

    /// <summary>table-of-contents: pg_restore reads it, and no table of the manifest is missing.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="request">How to test.</param>
    /// <param name="before">The checks made so far: what is damaged does not decrypt either.</param>
    /// <param name="cancellationToken">Ends pg_restore.</param>
    /// <param name="input">The archive's bytes, where they are in no file on this machine; not for a script or what is encrypted.</param>
    internal static async Task<PgCheck> ContentsAsync(
        PgBackup backup,
        TestBackupRequest request,
        IReadOnlyList<PgCheck> before,
        CancellationToken cancellationToken,
        Stream? input = null)
    {
        const string Name = PgCheckName.TableOfContents;
        if (backup.Manifest is not { } manifest)
        {
            return PgCheck.Skip(Name, "Without a manifest nothing says what should be in it.");
        }

        var archive = Path.Combine(backup.Folder, manifest.Payload.Path);
        if (input is null && !Path.Exists(archive))
        {
            return PgCheck.Fail(Name, $"{manifest.Payload.Path} is missing.");
        }

        try
        {
            if (DumpFormat.IsScript(manifest.Payload.Format) && manifest.Payload.Encryption is null)
            {
                var script = await ArchiveContents.ReadScriptAsync(archive, (_, _) => null, null, cancellationToken).ConfigureAwait(false);
                return script.Missing(manifest.Tables, manifest.Facts.Encoding) is { Count: > 0 } lost
                    ? PgCheck.Fail(Name, $"no rows in the script for {NameList.InSentence([.. lost.Select(table => table.ToString())])}")
                    : PgCheck.Pass(Name, string.Create(
                        CultureInfo.InvariantCulture,
                        $"the script was read to its end, {PgAmount.Of(script.TableCount, "table")} with rows"));
            }

            var pgRestore = PostgresBinaries.Client("pg_restore", DumpVersion.StatedMajorOf(manifest) ?? 0, request.BinPath);
            using var opened = input is null
                ? await OpenedArchive.OpenAsync(backup, request.Identity, true, null, cancellationToken).ConfigureAwait(false)
                : OpenedArchive.Plain(archive, input);
            var encoding = manifest.Facts.Encoding;
            var contents = await ArchiveContents.ReadAsync(
                pgRestore, opened, ServerEncoding.Of(encoding), cancellationToken).ConfigureAwait(false);
            var missing = contents.Missing(manifest.Tables, encoding);
            return missing.Count == 0
                ? PgCheck.Pass(Name, string.Create(
                    CultureInfo.InvariantCulture,
                    $"pg_restore {pgRestore.Version} reads {PgAmount.Of(contents.Entries, "entry")}, "
                        + $"{PgAmount.Of(contents.TableCount, "table")} with rows"))
                : PgCheck.Fail(Name, $"no rows in the archive for {NameList.InSentence([.. missing.Select(table => table.ToString())])}");
        }
        catch (PgOpsException error) when (error.Code is PgErrorCode.ToolMissing or PgErrorCode.ToolTooOld)
        {
            return PgCheck.Skip(Name, error.InSentences());
        }
        catch (PgOpsException error) when (error.Code == PgErrorCode.DecryptionFailed && request.Identity is null)
        {
            return PgCheck.Skip(Name, $"It could not be read without the identity. {error.Problem}");
        }
        catch (PgOpsException error) when (error.Code == PgErrorCode.ToolFailed
            || (error.Code == PgErrorCode.DecryptionFailed && before.Any(check => check.Status == PgCheckStatus.Failed)))
        {
            return PgCheck.Fail(Name, error.Problem);
        }
        catch (InvalidDataException error)
        {
            return PgCheck.Fail(Name, $"{manifest.Payload.Path}: {error.Message}");
        }
    }

    /// <summary>decompression: every byte of the payload unpacks.</summary>
    internal static async Task<PgCheck> UnpackAsync(PgBackup backup, TestBackupRequest request, CancellationToken cancellationToken)
    {
        const string Name = PgCheckName.Decompression;
        var archive = backup.Foreign ? backup.Path : Path.Combine(backup.Folder, backup.Manifest!.Payload.Path);
        if (!Path.Exists(archive))
        {
            return PgCheck.Fail(Name, $"{archive} is missing.");
        }

        try
        {
            if (File.Exists(archive) && DumpFormat.IsScript(backup.Format) && backup.Manifest?.Payload.Encryption is null)
            {
                await ScriptFile.ReadAsync(archive, (_, _) => { }, cancellationToken).ConfigureAwait(false);
                return PgCheck.Pass(Name, "the whole script was read");
            }

            var pgRestore = PostgresBinaries.Client("pg_restore", 0, request.BinPath);
            using var opened = backup.Foreign
                ? OpenedArchive.Plain(archive)
                : await OpenedArchive.OpenAsync(backup, request.Identity, false, null, cancellationToken).ConfigureAwait(false);
            var nowhere = OperatingSystem.IsWindows() ? "NUL" : "/dev/null";
            var result =
                await opened.RunAsync(new ToolCommand(pgRestore.Path, "--file=" + nowhere), cancellationToken).ConfigureAwait(false);
            return result.ExitCode == 0 && result.Errors.Count == 0
                ? PgCheck.Pass(Name, $"pg_restore {pgRestore.Version} unpacked everything")
                : PgCheck.Fail(Name, result.Error().Problem);
        }
        catch (InvalidDataException error)
        {
            return PgCheck.Fail(Name, $"{archive} does not unpack: {error.Message}");
        }
        catch (PgOpsException error) when (error.Code == PgErrorCode.DecryptionFailed && request.Identity is null)
        {
            return PgCheck.Skip(Name, $"It could not be read without the identity. {error.Problem}");
        }
        catch (PgOpsException error) when (error.Code == PgErrorCode.ToolMissing)
        {
            return PgCheck.Skip(Name, error.InSentences());
        }
    }
}
