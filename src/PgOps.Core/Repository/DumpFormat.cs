using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;
using PgOps.Core.Repository.Archives;

namespace PgOps.Core.Repository;

/// <summary>
/// What a foreign dump is, by its first bytes and those of what is packed in it: <c>custom</c>, <c>tar</c>, <c>plain</c>,
/// <c>plain.gz</c>, <c>custom.zst</c>, <c>directory.tar.gz</c>, <c>xz</c>… Names say nothing here.
/// </summary>
internal static partial class DumpFormat
{
    // A tar archive that begins with something else than a dump.
    private const string Files = "files.tar";

    private const int HeadLength = 16 * 1024;
    private const int TarBlock = 512;
    private const int MagicOfTar = 257;
    private const int MostMembers = 1000;

    /// <summary>Whether a format is that of a script for psql.</summary>
    internal static bool IsScript(string format) => format is "plain" or "plain.gz" or "plain.zst";

    /// <summary>Whether it has to be unpacked into a file or folder of its own before anything can read it.</summary>
    internal static bool IsPacked(string format) => format is not ("" or "custom" or "directory" or "tar") && !IsScript(format);

    /// <summary>Whether nothing is known of what is packed in it.</summary>
    internal static bool IsClosed(string format)
        => IsPacked(format) && format != Packing.Zip.Ending && !format.Contains('.', StringComparison.Ordinal);

    /// <summary>Whether it is a tar archive whose first members are no dump.</summary>
    internal static bool IsOtherTar(string format) => format.StartsWith(Files, StringComparison.Ordinal);

    /// <summary>The format of a file, empty when its first bytes are of no dump, and the beginning of its text.</summary>
    /// <exception cref="InvalidDataException">What it is packed in is damaged.</exception>
    internal static (string Format, string Head) Of(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return Of(file);
    }

    /// <summary>Whether what begins so is SQL text, or psql's: its first word that is no comment's is a command's.</summary>
    internal static bool LooksLikeScript(string head)
        => !head.Contains('\0', StringComparison.Ordinal) && Beginning().IsMatch(head);

    private static bool IsTar(ReadOnlySpan<byte> head)
        => head.Length > MagicOfTar && head[MagicOfTar..].StartsWith("ustar"u8);

    private static (string Format, string Head) Of(Stream file)
    {
        var packing = Packing.Of(file);
        if (packing == Packing.Zip)
        {
            return (HoldsDump(file) ? packing.Ending : "", "");
        }

        if (packing is { IsStreamed: false })
        {
            return (packing.Ending, "");
        }

        var head = new byte[HeadLength];
        var content = Packing.Open(packing, file);
        var length = packing is null
            ? file.ReadAtLeast(head, HeadLength, throwOnEndOfStream: false)
            : ScriptFile.ReadSome(content, head);
        var inner = Of(head.AsSpan(0, length));
        return (
            inner.Length == 0 || packing is null ? inner : $"{inner}.{packing.Ending}",
            inner is "" or "plain" ? ScriptFile.TextOf(head.AsSpan(0, length)) : "");
    }

    private static string Of(ReadOnlySpan<byte> head)
    {
        if (head.StartsWith(ArchiveHeader.Magic))
        {
            return "custom";
        }

        if (head.StartsWith("toc.dat\0"u8) && head.Length > TarBlock && ArchiveHeader.IsTar(head[TarBlock..]))
        {
            return "tar";
        }

        return IsTar(head) ? InTar(head)
            : Packing.Of(head) is { } packing ? packing.Ending
            : DumpMarks.BeginIn(ScriptFile.TextOf(head)) ? "plain"
            : "";
    }

    /// <summary>What the first members of a tar archive are: files of pg_dump's directory format, or one that is a dump itself.</summary>
    private static string InTar(ReadOnlySpan<byte> head)
    {
        while (head.Length >= TarBlock && IsTar(head))
        {
            var name = head[..Math.Max(0, head[..100].IndexOf((byte)0))];
            if (DirectoryFile().IsMatch(Encoding.UTF8.GetString(name)))
            {
                return "directory.tar";
            }

            var next = TarBlock + TarEnd.LengthOf(head);
            if (Of(head[TarBlock..(int)Math.Min(next, head.Length)]) is { Length: > 0 } format)
            {
                return $"{format}.tar";
            }

            head = next < head.Length ? head[(int)next..] : [];
        }

        return Files;
    }

    private static bool HoldsDump(Stream file)
    {
        using var zip = new ZipArchive(file, ZipArchiveMode.Read, leaveOpen: true);
        return zip.Entries.Take(MostMembers).Any(entry => DirectoryFile().IsMatch(entry.FullName) || IsDump(entry));
    }

    private static bool IsDump(ZipArchiveEntry entry)
    {
        using var content = entry.Open();
        var head = new byte[HeadLength];
        return Of(head.AsSpan(0, content.ReadAtLeast(head, HeadLength, throwOnEndOfStream: false))).Length > 0;
    }

    [GeneratedRegex(@"(?:^|/)(?:toc\.dat|(?:blob_)?\d+\.dat(?:\.gz|\.lz4|\.zst)?|blobs(?:_\d+)?\.toc)$", RegexOptions.CultureInvariant)]
    private static partial Regex DirectoryFile();

    [GeneratedRegex(
        @"\A(?:\s+|--[^\n]*(?:\n|\z)|/\*.*?\*/)*(?:\\[a-z!]|(?:alter|begin|comment|copy|create|delete|do|drop|grant|"
            + @"insert|lock|reset|revoke|select|set|start|truncate|update|with)\b)",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex Beginning();
}
