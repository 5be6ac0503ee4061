using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;
using PgOps.Core.Common.Files;
using PgOps.Core.Repository.Archives;

namespace PgOps.Core.Repository;

/// <summary>
/// Dumps that PgOps did not make: pg_dump's custom, directory and tar archives, and plain scripts, compressed by gzip or not. What a
/// file is, its first bytes say; names only say which files of a folder are worth a look.
/// </summary>
internal static partial class ForeignDump
{
    /// <summary>The table of contents of an archive in directory format, and the first file of one in tar format.</summary>
    internal const string Contents = "toc.dat";

    private const int HeadLength = 16 * 1024;
    private const int TailLength = 4 * 1024;
    private const int TarHeaderLength = 512;
    private static readonly string[] Endings = [".dump", ".sql", ".sql.gz", ".tar"];

    /// <summary>Whether a folder is an archive in directory format.</summary>
    internal static bool IsFolder(string folder)
        => File.Exists(Path.Combine(folder, Contents))
            || (folder.EndsWith(FileEndings.Removing, StringComparison.Ordinal) && !Directory.EnumerateFileSystemEntries(folder).Any());

    /// <summary>Whether a file of a folder of backups is a dump, or an empty or broken file that was to be one.</summary>
    internal static bool IsFile(string path)
    {
        var name = Bare(path);
        if (Endings.FirstOrDefault(ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase)) is not { } ending)
        {
            return false;
        }

        try
        {
            // Scripts and tar files of another kind are nobody's business here.
            return ending == ".dump" || new FileInfo(path).Length == 0 || FormatOf(path).Format.Length > 0 || ending == ".sql.gz";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return ending is ".sql.gz" or ".dump";
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

    /// <summary>Whether a format is that of a script for psql.</summary>
    internal static bool IsScript(string format) => format.StartsWith("plain", StringComparison.Ordinal);

    private static PgBackup FromFile(PgBackup backup)
    {
        if (backup.Bytes == 0)
        {
            throw new InvalidDataException("the file is empty");
        }

        var (format, head) = FormatOf(backup.Path);
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
        return backup with { Database = header.Database.Length > 0 ? header.Database : backup.Database, SnapshotAt = header.CreatedAt };
    }

    /// <summary>The format by the first bytes, empty when they are of no dump, and the beginning of a script.</summary>
    internal static (string Format, string Head) FormatOf(string path)
    {
        var head = new byte[HeadLength];
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var length = file.ReadAtLeast(head, HeadLength, throwOnEndOfStream: false);
        var bytes = head.AsSpan(0, length);
        if (bytes.StartsWith(ArchiveHeader.Magic))
        {
            return ("custom", "");
        }

        if (bytes.StartsWith("toc.dat\0"u8))
        {
            return ("tar", "");
        }

        var compressed = bytes.StartsWith((ReadOnlySpan<byte>)[0x1f, 0x8b]);
        if (compressed)
        {
            file.Position = 0;
            using var unpacked = new GZipStream(file, CompressionMode.Decompress, leaveOpen: true);
            length = unpacked.ReadAtLeast(head, HeadLength, throwOnEndOfStream: false);
        }

        var text = Encoding.UTF8.GetString(head, 0, length);
        var format = DumpMarks.BeginIn(text) ? compressed ? "plain.gz" : "plain" : "";
        return (format, text);
    }

    private static bool EndsWell(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        file.Position = Math.Max(0, file.Length - TailLength);
        using var reader = new StreamReader(file, Encoding.UTF8);
        return DumpMarks.EndIn(reader.ReadToEnd());
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
        var ending = Endings.Where(ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase)).MaxBy(ending => ending.Length);
        name = ending is null ? name : name[..^ending.Length];
        var dated = Dated().Match(name);
        return dated.Success ? dated.Groups[1].Value : name;
    }

    [GeneratedRegex(@"^(.+?)[-_. ]+\d{4}[-_.]?\d{2}[-_.]?\d{2}(?:\D.*|\d{4,6}.*)?$", RegexOptions.CultureInvariant)]
    private static partial Regex Dated();

    [GeneratedRegex(
        @"^\\connect (?:-reuse-previous=on )?""?(?:dbname=)?'?([\w.-]+)'?""?\r?$", RegexOptions.CultureInvariant | RegexOptions.Multiline)]
    private static partial Regex Connect();
}
