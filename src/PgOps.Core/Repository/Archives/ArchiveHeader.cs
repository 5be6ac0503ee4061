using System.Text;

namespace PgOps.Core.Repository.Archives;

/// <summary>
/// The head of an archive in pg_dump's custom, directory or tar format: enough to list it without starting a program. Its layout is
/// pg_dump's own (ReadHead in src/bin/pg_dump/pg_backup_archiver.c), the same since 8.4 but for the compression field.
/// </summary>
/// <param name="Database">The database it was taken from; empty when it does not say.</param>
/// <param name="CreatedAt">When it was made, in UTC. The archive holds wall time without a zone; this machine's zone is assumed.</param>
/// <param name="ServerVersion">The server's version, for example <c>15.18</c>.</param>
/// <param name="ToolVersion">pg_dump's version.</param>
internal sealed record ArchiveHeader(string Database, DateTime CreatedAt, string ServerVersion, string ToolVersion)
{
    internal const byte CustomFormat = 1;

    // That of a tar archive, and of a directory's contents, whose head says the same (_CloseArchive in pg_backup_directory.c).
    internal const byte TarFormat = 3;

    private const int FormatOffset = 10;
    private const int LongestText = 1 << 16;
    private static readonly Version WithOffsetSize = new(1, 7);
    private static readonly Version WithVersions = new(1, 10);
    private static readonly Version WithAlgorithm = new(1, 15);

    /// <summary>The first bytes of every such archive.</summary>
    internal static ReadOnlySpan<byte> Magic => "PGDMP"u8;

    /// <summary>What pg_dump calls the archive's format.</summary>
    internal required byte Format { get; init; }

    /// <summary>The version of the archive's layout.</summary>
    internal required Version Layout { get; init; }

    /// <summary>How many bytes a number has.</summary>
    internal required byte NumberSize { get; init; }

    /// <summary>How many bytes an offset has.</summary>
    internal required byte OffsetSize { get; init; }

    /// <summary>Whether a head is that of an archive in tar format.</summary>
    internal static bool IsTar(ReadOnlySpan<byte> head)
        => head.StartsWith(Magic) && head.Length > FormatOffset && head[FormatOffset] == TarFormat;

    /// <summary>Reads it.</summary>
    /// <param name="stream">The archive, at its first byte; left at the first byte of its table of contents.</param>
    /// <exception cref="InvalidDataException">It is none, or is cut off.</exception>
    internal static ArchiveHeader Read(Stream stream)
    {
        try
        {
            using var reader = new BinaryReader(stream, Encoding.UTF8, leaveOpen: true);
            return Read(reader);
        }
        catch (Exception error) when (error is EndOfStreamException or ArgumentOutOfRangeException)
        {
            throw new InvalidDataException("its header is cut off or damaged", error);
        }
    }

    private static ArchiveHeader Read(BinaryReader reader)
    {
        if (!reader.ReadBytes(Magic.Length).AsSpan().SequenceEqual(Magic))
        {
            throw new InvalidDataException("it does not begin as an archive of pg_dump does");
        }

        var version = new Version(reader.ReadByte(), reader.ReadByte());
        _ = reader.ReadByte();
        var intSize = reader.ReadByte();
        if (version.Major != 1 || intSize is not (4 or 8))
        {
            throw new InvalidDataException("its header is damaged, or of a version that is not known");
        }

        var offsetSize = version >= WithOffsetSize ? reader.ReadByte() : intSize;
        var format = reader.ReadByte();

        // The compression.
        _ = version >= WithAlgorithm ? reader.ReadByte() : ReadInt(reader, intSize);
        var (second, minute, hour) = (ReadInt(reader, intSize), ReadInt(reader, intSize), ReadInt(reader, intSize));
        var (day, month, year) = (ReadInt(reader, intSize), ReadInt(reader, intSize), ReadInt(reader, intSize));
        _ = ReadInt(reader, intSize);
        var created = new DateTime(year + 1900, month + 1, day, hour, minute, Math.Min(second, 59), DateTimeKind.Local).ToUniversalTime();
        var database = ReadText(reader, intSize);
        var knows = version >= WithVersions;
        return new ArchiveHeader(
            database, created, knows ? FirstWord(ReadText(reader, intSize)) : "", knows ? FirstWord(ReadText(reader, intSize)) : "")
        {
            Format = format,
            Layout = version,
            NumberSize = intSize,
            OffsetSize = offsetSize,
        };
    }

    /// <summary>Reads a number as archives hold it: its sign, then its bytes from the lowest.</summary>
    internal static int ReadInt(BinaryReader reader, int size)
    {
        var negative = reader.ReadByte() != 0;
        long value = 0;
        for (var index = 0; index < size; index++)
        {
            value |= (long)reader.ReadByte() << (8 * index);
        }

        return (int)(negative ? -value : value);
    }

    private static string ReadText(BinaryReader reader, int size)
    {
        var length = ReadInt(reader, size);
        if (length > LongestText)
        {
            throw new InvalidDataException("its header is damaged");
        }

        var bytes = reader.ReadBytes(Math.Max(length, 0));
        return bytes.Length < length ? throw new EndOfStreamException() : Encoding.UTF8.GetString(bytes);
    }

    private static string FirstWord(string text) => text.Split(' ', 2)[0];
}
