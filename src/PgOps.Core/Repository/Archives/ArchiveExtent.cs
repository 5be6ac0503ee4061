using System.Text;
using PgOps.Core.Common.Text;

namespace PgOps.Core.Repository.Archives;

/// <summary>
/// Whether an archive holds all that its table of contents promises. pg_restore's list does not look: a custom archive cut in the middle
/// and a folder without a table's file list as whole ones do. The layout is pg_dump's own (ReadToc in
/// src/bin/pg_dump/pg_backup_archiver.c, _ReadExtraToc and _skipData in pg_backup_custom.c).
/// </summary>
internal sealed class ArchiveExtent : IDisposable
{
    private const byte RowsBlock = 1;
    private const byte ObjectsBlock = 3;
    private const byte OffsetIsSet = 2;

    private readonly FileStream _file;
    private readonly BinaryReader _reader;
    private readonly ArchiveHeader _header;
    private readonly List<Entry> _entries = [];

    private ArchiveExtent(FileStream file)
    {
        _file = file;
        _header = ArchiveHeader.Read(file);
        _reader = new BinaryReader(file, Encoding.UTF8, leaveOpen: true);
    }

    /// <summary>
    /// Looks at a custom archive: each table's rows begin where the contents say, and the last of them are there to their end.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InvalidDataException">Something is missing, named.</exception>
    internal static void RequireCustom(string path)
    {
        using var extent = Open(path);
        extent.ReadEntries();
        extent.RequireCustom();
    }

    /// <summary>The files of a directory archive that its contents name, each with the entry that it is of.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="InvalidDataException">The contents cannot be read.</exception>
    internal static IReadOnlyList<(string File, string Entry)> FilesOf(string folder)
    {
        using var extent = Open(Path.Combine(folder, "toc.dat"));
        extent.ReadEntries();
        return [.. extent._entries.Where(entry => entry.HasData && entry.File.Length > 0).Select(entry => (entry.File, entry.Name))];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _reader.Dispose();
        _file.Dispose();
    }

    private static ArchiveExtent Open(string path)
    {
        var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        try
        {
            return new ArchiveExtent(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private void ReadEntries()
    {
        // Older ones are of servers that ended in 2010.
        var count = Since(1, 10) ? ReadInt() : 0;
        try
        {
            for (var index = 0; index < count; index++)
            {
                _entries.Add(ReadEntry());
            }
        }
        catch (EndOfStreamException error)
        {
            throw new InvalidDataException("its table of contents breaks off", error);
        }
    }

    private Entry ReadEntry()
    {
        var id = ReadInt();
        var hasData = ReadInt() != 0;

        // The oids, the name, the kind, the section; definition, drop and copy statement.
        Skip(2);
        var name = ReadText();
        var kind = ReadText();
        if (Since(1, 11))
        {
            ReadInt();
        }

        Skip(3);
        var schema = ReadText();
        Skip(Since(1, 14) ? 2 : 1);
        if (Since(1, 16))
        {
            ReadInt();
        }

        // The owner, and whether the table has oids.
        Skip(2);
        while (ReadText() is not null)
        {
            // What it depends on.
        }

        var custom = _header.Format == ArchiveHeader.CustomFormat;
        var isSet = custom && _reader.ReadByte() == OffsetIsSet;
        return new Entry(id, hasData, string.IsNullOrEmpty(schema) ? $"{kind} {name}" : $"{kind} {schema}.{name}")
        {
            Offset = custom ? ReadOffset(isSet) : null,
            File = custom ? "" : ReadText() ?? "",
        };
    }

    private void RequireCustom()
    {
        var wanted = _entries.Where(entry => entry.HasData).ToDictionary(entry => entry.Id);
        var placed = wanted.Values.Where(entry => entry.Offset is not null).OrderBy(entry => entry.Offset).ToList();
        if (placed.Count == wanted.Count)
        {
            // Blocks follow each other, so the last one's end is the archive's.
            foreach (var entry in placed)
            {
                var type = RequireBlock(entry);
                if (entry == placed[^1])
                {
                    RequireRows(entry, type);
                }
            }

            return;
        }

        // Written into a pipe, or by a pg_dump that did not come to its end: from block to block.
        while (wanted.Count > 0 && _file.Position < _file.Length)
        {
            var (type, id) = ReadBlock();
            if (!wanted.Remove(id, out var entry))
            {
                throw new InvalidDataException("between its tables' rows is something else");
            }

            RequireRows(entry, type);
        }

        if (wanted.Count > 0)
        {
            throw Missing([.. wanted.Values.OrderBy(entry => entry.Id)]);
        }
    }

    /// <summary>Goes to where an entry's rows begin, and finds them there.</summary>
    private byte RequireBlock(Entry entry)
    {
        _file.Position = entry.Offset!.Value;
        var (type, id) = ReadBlock();
        return id == entry.Id ? type
            : id < 0 ? throw Missing([.. _entries.Where(one => one.HasData && one.Offset >= entry.Offset)])
            : throw new InvalidDataException($"where {entry.Name} should begin is something else");
    }

    /// <summary>A block's kind and its entry's number; -1 where the file ends, or holds nothing of the kind.</summary>
    private (byte Type, int Id) ReadBlock()
    {
        try
        {
            var type = _reader.ReadByte();
            var id = ReadInt();
            return type is RowsBlock or ObjectsBlock ? (type, id) : (type, 0);
        }
        catch (EndOfStreamException)
        {
            return (0, -1);
        }
    }

    /// <summary>Goes from piece to piece to the mark that ends the rows, and reads nothing else.</summary>
    private void RequireRows(Entry entry, byte type)
    {
        try
        {
            if (type == RowsBlock)
            {
                SkipPieces();
                return;
            }

            // Each large object: its oid, then its pieces; oid 0 ends them.
            while (ReadInt() != 0)
            {
                SkipPieces();
            }
        }
        catch (EndOfStreamException error)
        {
            throw new InvalidDataException($"it breaks off within {entry.Name}", error);
        }
    }

    private void SkipPieces()
    {
        while (ReadInt() is not 0 and var length)
        {
            if (length < 0 || _file.Position + length > _file.Length)
            {
                throw new EndOfStreamException();
            }

            _file.Position += length;
        }
    }

    private static InvalidDataException Missing(List<Entry> entries) => new(
        "it breaks off before " + NameList.InSentence([.. entries.Select(entry => entry.Name)]));

    private bool Since(int major, int minor) => _header.Layout >= new Version(major, minor);

    private int ReadInt() => ArchiveHeader.ReadInt(_reader, _header.NumberSize);

    private void Skip(int texts)
    {
        for (var index = 0; index < texts; index++)
        {
            ReadText();
        }
    }

    private string? ReadText()
    {
        var length = ReadInt();
        if (length < 0)
        {
            return null;
        }

        var bytes = _reader.ReadBytes((int)Math.Min(length, _file.Length - _file.Position));
        return bytes.Length < length ? throw new EndOfStreamException() : Encoding.UTF8.GetString(bytes);
    }

    private long? ReadOffset(bool isSet)
    {
        long offset = 0;
        for (var index = 0; index < _header.OffsetSize; index++)
        {
            var part = (long)_reader.ReadByte();
            offset |= index < sizeof(long) ? part << (8 * index) : 0;
        }

        return isSet ? offset : null;
    }

    private sealed record Entry(int Id, bool HasData, string Name)
    {
        internal long? Offset { get; init; }

        internal string File { get; init; } = "";
    }
}
