using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using PgOps.Core.Backups.Foreign;
using PgOps.Core.Backups.Retention;

namespace PgOps.Core.Backups;

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

    private static PgOpsException NotFound(string path)
        => new(PgErrorCode.PathNotFound, $"There is no backup {path}.", nextStep: "Get-PgBackup lists the backups in a folder.");

    private static PgBackup Describe(string path)
    {
        var files = Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Select(file => new FileInfo(file)).ToList();
        var name = FolderName().Match(Path.GetFileName(path));
        var (manifest, problem) = ReadManifest(path);
        if (path.EndsWith(BackupEraser.Ending, StringComparison.Ordinal))
        {
            problem = "its removal was interrupted; Remove-PgBackup finishes it";
        }
        else if (path.EndsWith(PartialFolder.Ending, StringComparison.Ordinal))
        {
            problem = "it is unfinished: its backup still runs, or broke off and will be swept by the next one";
        }
        else if (files.Count == 0)
        {
            problem = "the folder is empty";
        }
        else if (problem is null && !File.Exists(Path.Combine(path, HashList.FileName)))
        {
            problem = $"{HashList.FileName} is missing";
        }
        else if (manifest is not null)
        {
            problem = PayloadProblem(path, manifest.Payload, files);
        }

        return new PgBackup
        {
            Id = manifest?.Id ?? "",
            Database = manifest?.Database ?? (name.Success ? name.Groups["database"].Value : Path.GetFileName(path)),
            Path = path,
            Format = manifest?.Payload.Format ?? "",
            SnapshotAt = manifest?.SnapshotAt ?? NamedTime(name) ?? Directory.GetLastWriteTimeUtc(path),
            Bytes = files.Sum(file => file.Length),
            Complete = problem is null,
            Problem = problem,
            Manifest = manifest,
        };
    }

    private static string? PayloadProblem(string path, PgPayload payload, List<FileInfo> files)
    {
        var full = Path.GetFullPath(Path.Combine(path, payload.Path));
        if (!Path.Exists(full))
        {
            return $"{payload.Path} is missing";
        }

        var bytes = files
            .Where(file => file.FullName == full || file.FullName.StartsWith(full + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            .Sum(file => file.Length);
        return bytes == payload.Bytes
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"{payload.Path} has {bytes} bytes, the manifest says {payload.Bytes}");
    }

    private static (PgBackupManifest? Manifest, string? Problem) ReadManifest(string path)
    {
        var file = Path.Combine(path, ManifestJson.FileName);
        if (!File.Exists(file))
        {
            return (null, $"{ManifestJson.FileName} is missing");
        }

        try
        {
            return (ManifestJson.Read(File.ReadAllBytes(file)), null);
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

    [GeneratedRegex(@"^(?<database>.+)_(?<time>\d{8}-\d{6})Z(?:_\d+)?(?:\.partial|\.removing)?$", RegexOptions.CultureInvariant)]
    private static partial Regex FolderName();
}
