using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using PgOps.Core.Common.Files;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Text;
using PgOps.Core.Repository.Storage;

namespace PgOps.Core.Repository;

/// <summary>Reads what a backup says about itself. Looks at names, sizes and the manifest or header, not at every byte.</summary>
public static partial class BackupFolder
{
    /// <summary>Whether a folder is, or was to become, a backup.</summary>
    /// <param name="folder">The folder.</param>
    /// <returns>Whether its name or content says so.</returns>
    public static bool IsBackup(string folder)
        => File.Exists(Path.Combine(folder, ManifestJson.FileName))
            || File.Exists(Path.Combine(folder, HashList.FileName))
            || FolderName().IsMatch(Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)));

    /// <summary>Whether a folder is a backup, a foreign dump in directory format included.</summary>
    /// <param name="folder">The folder.</param>
    /// <returns>False for a folder of backups.</returns>
    public static bool IsAny(string folder) => IsBackup(folder) || ForeignDump.IsFolder(folder);

    /// <summary>Reads a backup. What is wrong with it becomes its <see cref="PgBackup.Problem"/>, not an exception.</summary>
    /// <param name="folder">The backup's folder, or a foreign dump's file or folder.</param>
    /// <returns>The backup.</returns>
    /// <exception cref="PgOpsException">PathNotFound when there is nothing; PathInaccessible.</exception>
    public static PgBackup Read(string folder)
    {
        var path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        if (!Path.Exists(path))
        {
            throw NotFound(path);
        }

        try
        {
            return File.Exists(path) || (!IsBackup(path) && ForeignDump.IsFolder(path)) ? ForeignDump.Read(path) : Describe(path);
        }
        catch (Exception error) when (error is DirectoryNotFoundException or FileNotFoundException)
        {
            throw NotFound(path);
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            throw new PgOpsException(
                PgErrorCode.PathInaccessible,
                $"Cannot read {path}: {error.Message}",
                nextStep: "Backups are readable by the user who made them alone; use that user.",
                innerException: error);
        }
    }

    /// <summary>Whether a name is one that backups are given.</summary>
    internal static bool IsBackupName(string name) => FolderName().IsMatch(name);

    /// <summary>Whether a file is this one or lies in this folder.</summary>
    internal static bool IsWithin(string file, string path) => file == path || file.StartsWith(path + "/", StringComparison.Ordinal);

    /// <summary>Says what a backup's files say about it.</summary>
    /// <param name="path">Folder or URI.</param>
    /// <param name="name">The folder's name.</param>
    /// <param name="files">All its files.</param>
    /// <param name="json">The manifest's bytes; null when there is none.</param>
    /// <param name="writtenAt">When it was written, for one that does not say when it was taken.</param>
    internal static PgBackup Describe(string path, string name, IReadOnlyList<StoredFile> files, byte[]? json, DateTime writtenAt)
    {
        var match = FolderName().Match(name);
        var (manifest, problem) = ReadManifest(json);
        var removalBegun = name.EndsWith(FileEndings.Removing, StringComparison.Ordinal)
            || (files.Any(file => file.Name == FileEndings.Removing) && !files.Any(file => file.Name == HashList.FileName));
        if (removalBegun)
        {
            problem = "its removal was interrupted; Remove-PgBackup finishes it";
        }
        else if (name.EndsWith(FileEndings.Partial, StringComparison.Ordinal))
        {
            problem = "it is unfinished: its backup still runs, or broke off and will be swept by the next one";
        }
        else if (files.Count == 0)
        {
            problem = "the folder is empty";
        }
        else if (problem is null && !files.Any(file => file.Name == HashList.FileName))
        {
            problem = $"{HashList.FileName} is missing";
        }
        else if (manifest is not null)
        {
            problem = PayloadProblem(manifest.Payload, files);
        }

        return new PgBackup
        {
            Id = manifest?.Id ?? "",
            Database = manifest?.Database ?? (match.Success ? match.Groups["database"].Value : name),
            Path = path,
            Format = manifest?.Payload.Format ?? "",
            SnapshotAt = manifest?.SnapshotAt ?? NamedTime(match) ?? writtenAt,
            Bytes = files.Sum(file => file.Bytes),
            Complete = problem is null,
            Problem = problem,
            RemovalBegun = removalBegun,
            Manifest = manifest,
            KeepUntil = manifest?.KeepUntil?.ToUniversalTime(),
        };
    }

    private static PgOpsException NotFound(string path)
    {
        var there = Path.GetDirectoryName(path);
        while (there is not null && !Directory.Exists(there))
        {
            there = Path.GetDirectoryName(there);
        }

        return new PgOpsException(
            PgErrorCode.PathNotFound, $"There is no backup {path}.",
            nextStep: $"Get-PgBackup {CommandText.Argument(there ?? ".")} lists the backups that are there.");
    }

    private static string? PayloadProblem(PgPayload payload, IReadOnlyList<StoredFile> files)
    {
        var parts = files.Where(file => IsWithin(file.Name, payload.Path)).ToList();
        var bytes = parts.Sum(file => file.Bytes);
        return parts.Count == 0 ? $"{payload.Path} is missing"
            : bytes == payload.Bytes ? null
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{payload.Path} has {PgAmount.Of(bytes, "byte")}, the manifest says {payload.Bytes:N0}");
    }

    private static PgBackup Describe(string path)
    {
        var files = Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Select(file => new FileInfo(file))
            .Select(file => new StoredFile(
                Path.GetRelativePath(path, file.FullName).Replace(Path.DirectorySeparatorChar, '/'), file.Length, file.LastWriteTimeUtc))
            .ToList();
        var manifest = Path.Combine(path, ManifestJson.FileName);
        return Describe(
            path, Path.GetFileName(path), files, File.Exists(manifest) ? File.ReadAllBytes(manifest) : null,
            Directory.GetLastWriteTimeUtc(path));
    }

    private static (PgBackupManifest? Manifest, string? Problem) ReadManifest(byte[]? json)
    {
        if (json is null)
        {
            return (null, $"{ManifestJson.FileName} is missing");
        }

        try
        {
            return (ManifestJson.Read(json), null);
        }
        catch (JsonException error)
        {
            return (null, $"{ManifestJson.FileName} cannot be read: {error.Message}");
        }
    }

    private static DateTime? NamedTime(Match name)
        => name.Success && DateTime.TryParseExact(
            name.Groups["time"].Value,
            "yyyyMMdd-HHmmss",
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
            out var time)
            ? time
            : null;

    [GeneratedRegex(@"^(?<database>.+)_(?<time>[0-9]{8}-[0-9]{6})Z(?:_[0-9]+)?(?:\.partial|\.removing)?$", RegexOptions.CultureInvariant)]
    private static partial Regex FolderName();
}
