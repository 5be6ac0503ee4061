using System.Text;
using System.Text.RegularExpressions;
using PgOps.Core.Common.Files;
using PgOps.Core.Repository.Archives;

namespace PgOps.Core.Repository;

/// <summary>
/// Dumps that PgOps did not make: pg_dump's custom, directory and tar archives, and plain scripts, packed or not. What a file is, its
/// first bytes say (<see cref="DumpFormat"/>); a name only promises a dump that is not there.
/// </summary>
internal static partial class ForeignDump
{
    /// <summary>The table of contents of an archive in directory format, and the first file of one in tar format.</summary>
    internal const string Contents = "toc.dat";

    private const int TailLength = 1024 * 1024;
    private const int TarHeaderLength = 512;

    /// <summary>Whether a folder is an archive in directory format.</summary>
    internal static bool IsFolder(string folder)
        => File.Exists(Path.Combine(folder, Contents))
            || (folder.EndsWith(FileEndings.Removing, StringComparison.Ordinal) && !Directory.EnumerateFileSystemEntries(folder).Any());

    /// <summary>Whether a file of a folder of backups is a dump, or an empty or broken file that was to be one.</summary>
    internal static bool IsFile(string path)
    {
        var name = Bare(path);
        try
        {
            // Nothing but a file with something in it is opened: a named pipe would wait for its writer.
            if (new FileInfo(path).Length == 0)
            {
                return Named().IsMatch(name);
            }

            // Scripts, archives and packed files of another kind are nobody's business here.
            var (format, _) = DumpFormat.Of(path);
            return DumpFormat.IsClosed(format) ? Named().IsMatch(name)
                : DumpFormat.IsOtherTar(format) ? NamedInside().IsMatch(name)
                : format.Length > 0 || Promised().IsMatch(name);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return Promised().IsMatch(name);
        }
    }

    /// <summary>Reads what a dump says about itself; what is wrong with it becomes its problem.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    internal static PgBackup Read(string path)
    {
        var isFolder = Directory.Exists(path);
        var files = isFolder ? new DirectoryInfo(path).GetFiles("*", SearchOption.AllDirectories) : [new FileInfo(path)];
        var backup = new PgBackup
        {
            Id = "",
            Foreign = true,
            Database = NamedDatabase(path),
            Path = path,
            Format = isFolder ? "directory" : "",
            SnapshotAt = files.Length == 0 ? Directory.GetLastWriteTimeUtc(path) : files.Max(file => file.LastWriteTimeUtc),
            Bytes = files.Sum(file => file.Length),
            Complete = true,
        };
        try
        {
            backup = isFolder ? FromArchive(backup, Path.Combine(path, Contents), 0) : FromFile(backup);
        }
        catch (InvalidDataException error)
        {
            backup = backup with { Complete = false, Problem = error.Message };
        }

        return path.EndsWith(FileEndings.Removing, StringComparison.Ordinal)
            ? backup with { Complete = false, Problem = "its removal was interrupted; Remove-PgBackup finishes it" }
            : backup;
    }

    private static PgBackup FromFile(PgBackup backup)
    {
        if (backup.Bytes == 0)
        {
            throw new InvalidDataException("the file is empty");
        }

        var (format, head) = DumpFormat.Of(backup.Path);
        if (format.Length == 0 && DumpFormat.LooksLikeScript(head))
        {
            // Named by a person, for a folder's listing passes it over.
            return backup with { Format = PackedScript(backup.Path) };
        }

        backup = backup with { Format = format };
        return format switch
        {
            "custom" => FromArchive(backup, backup.Path, 0),
            "tar" => FromTar(backup),
            "" => throw new InvalidDataException("it is not a dump of pg_dump: its beginning is none of an archive or a script"),
            "plain" when !EndsWell(backup.Path) =>
                throw new InvalidDataException(DumpMarks.NoEnd),
            _ => backup with { Database = Connect().Match(head) is { Success: true } connect ? connect.Groups[1].Value : backup.Database },
        };
    }

    private static string PackedScript(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return Packing.Of(file) is { } packing ? $"plain.{packing.Ending}" : "plain";
    }

    private static PgBackup FromTar(PgBackup backup)
    {
        TarEnd.Require(backup.Path);
        return FromArchive(backup, backup.Path, TarHeaderLength);
    }

    private static PgBackup FromArchive(PgBackup backup, string file, int offset)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        stream.Position = offset;
        var header = ArchiveHeader.Read(stream);
        if (backup.Format == "custom" && header.Format == ArchiveHeader.TarFormat)
        {
            throw new InvalidDataException("it is the table of contents of an archive in directory format; give the folder instead");
        }

        return backup with { Database = header.Database.Length > 0 ? header.Database : backup.Database, SnapshotAt = header.CreatedAt };
    }

    private static bool EndsWell(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        Span<byte> mark = stackalloc byte[2];
        file.ReadAtLeast(mark, mark.Length, throwOnEndOfStream: false);

        // Some tools add lines of their own behind pg_dump's last one.
        file.Position = Math.Max(0, (file.Length - TailLength) / 2 * 2);
        using var reader = new StreamReader(
            file, ScriptFile.EncodingOf(mark) ?? Encoding.UTF8, detectEncodingFromByteOrderMarks: false);
        return DumpMarks.EndIn(reader.ReadToEnd());
    }

    /// <summary>A file's name without what tells that it is packed.</summary>
    internal static string WithoutLastEnding(string path)
    {
        var name = Path.GetFileName(path);
        return name.EndsWith(".tgz", StringComparison.OrdinalIgnoreCase) ? name[..^"gz".Length] + "ar"
            : LastEndings().Match(name).Length > 0 && Path.GetFileNameWithoutExtension(name) is { Length: > 0 } bare ? bare
            : name;
    }

    private static string Bare(string path)
    {
        var name = Path.GetFileName(path);
        return name.EndsWith(FileEndings.Removing, StringComparison.Ordinal) ? name[..^FileEndings.Removing.Length] : name;
    }

    /// <summary>The database by the name of the file: without ending, and without the date that most scripts add.</summary>
    private static string NamedDatabase(string path)
    {
        var name = Bare(path);
        name = name[..^LastEndings().Match(name).Length];
        var dated = Dated().Match(name);
        return dated.Success ? dated.Groups[1].Value : name;
    }

    /// <summary>Names that people give to dumps.</summary>
    [GeneratedRegex(
        @"\.(?:dump|pgdump|backup|sql|tar|tgz)(?:[.-].*)?$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Named();

    /// <summary>Names that say what is in a tar archive.</summary>
    [GeneratedRegex(@"\.(?:dump|pgdump|sql)\.(?:tar|tgz)", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex NamedInside();

    /// <summary>Names that promise a dump, whatever the file holds.</summary>
    [GeneratedRegex(
        @"\.(?:dump|pgdump|(?:dump|sql|backup)\.(?:gz|zst|xz|bz2|lz4))(?:\.\d+)?$",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Promised();

    [GeneratedRegex(
        @"(?:(?<!^)\.(?:dump|pgdump|backup|bak|custom|sql|tar|tgz|gz|zst|xz|bz2|lz4|zip|7z|\d{1,3}))*$",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex LastEndings();

    [GeneratedRegex(@"^(.+?)[-_. ]+\d{4}[-_.]?\d{2}[-_.]?\d{2}(?:\D.*|\d{4,6}.*)?$", RegexOptions.CultureInvariant)]
    private static partial Regex Dated();

    [GeneratedRegex(
        @"^\\connect (?:-reuse-previous=on )?""?(?:dbname=)?'?([\w.-]+)'?""?\r?$", RegexOptions.CultureInvariant | RegexOptions.Multiline)]
    private static partial Regex Connect();
}
