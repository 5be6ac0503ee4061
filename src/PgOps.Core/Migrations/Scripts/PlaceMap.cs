namespace PgOps.Core.Migrations.Scripts;

/// <summary>Leads from a place in a text with replaced placeholders back to the file.</summary>
internal sealed class PlaceMap
{
    private readonly List<(int Offset, int Length, int FileOffset, int FileLength)> _replaced = [];

    /// <summary>Nothing was replaced.</summary>
    internal static PlaceMap Same { get; } = new();

    /// <summary>Notes a replacement; they come in the order of the text.</summary>
    internal void Add(int offset, int length, int fileOffset, int fileLength) => _replaced.Add((offset, length, fileOffset, fileLength));

    /// <summary>The file's offset; a place within a value is that of its placeholder.</summary>
    internal int InFile(int offset)
    {
        var shift = 0;
        foreach (var mark in _replaced)
        {
            if (offset < mark.Offset)
            {
                break;
            }

            if (offset < mark.Offset + mark.Length)
            {
                return mark.FileOffset;
            }

            shift = mark.FileOffset + mark.FileLength - mark.Offset - mark.Length;
        }

        return offset + shift;
    }
}
