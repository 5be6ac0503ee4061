using System.Text;
using System.Text.RegularExpressions;
using PgOps.Core.Common.Files;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Operations;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Sql;

namespace PgOps.Core.Repository.Archives;

/// <summary>An archive's own table of contents, as <c>pg_restore --list</c> reads it back.</summary>
internal sealed partial class ArchiveContents
{
    private const string TableDataKind = "TABLE DATA";

    private readonly List<TocLine> _tableData = [];
    private readonly List<int> _sequences = [];
    private readonly ArchivedPositions _positions = new();
    private HashSet<uint>? _oids;

    /// <summary>Entries of every kind.</summary>
    internal int Entries { get; private set; }

    /// <summary>Tables with data in the archive.</summary>
    internal int TableCount => _tableData.Count;

    /// <summary>Whether large objects are in the archive.</summary>
    internal bool HasLargeObjects { get; private set; }

    /// <summary>The entries of these.</summary>
    internal IReadOnlyList<TocLine> TableData => _tableData;

    /// <summary>Oids, in the source, of the tables with data in the archive.</summary>
    internal IReadOnlySet<uint> TableOids => _oids ??= _tableData.Select(entry => entry.Oid).ToHashSet();

    /// <summary>Those of a snapshot's tables that the archive holds.</summary>
    internal DumpedTables Of(DumpedTables dumped) => dumped with
    {
        Tables = [.. dumped.Tables.Where(table => table.IsLargeObjects ? HasLargeObjects : TableOids.Contains(table.Oid))],
    };

    /// <summary>The rows of each table by oid, where the whole archive was read; else null.</summary>
    internal IReadOnlyDictionary<uint, RowHashSum>? Rows { get; private set; }

    /// <summary>Reads a script, which has no table of contents, to its end.</summary>
    /// <param name="script">The file.</param>
    /// <param name="oidOf">The oid of a table by schema and name; null when it is unknown.</param>
    /// <param name="progress">Shows bytes read.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <exception cref="InvalidDataException">It does not unpack, or its end is missing.</exception>
    internal static async Task<ArchiveContents> ReadScriptAsync(
        string script, Func<string, string, uint?> oidOf, ProgressActivity? progress, CancellationToken cancellationToken)
    {
        var contents = new ArchiveContents();
        var read = new Dictionary<uint, RowHashSum>();
        var complete = false;
        Match? table = null;
        SqlStatement? last = null;
        var throughRoot = false;
        var rows = new ArchivedRows(
            sum =>
            {
                var cursor = new SqlCursor(last!);
                cursor.Accept("COPY");
                var name = cursor.AcceptName();
                if (throughRoot && table is not null)
                {
                    // COPY names the root; whose rows they are stands in the comment above it.
                    name = [table.Groups["schema"].Value, table.Groups["name"].Value];
                    throughRoot = false;
                }

                var oid = oidOf(name[0], name[^1]) ?? uint.MaxValue - (uint)contents._tableData.Count;
                contents._tableData.Add(new TocLine(0, oid, TableDataKind, TocLine.Listed($"{name[0]} {name[^1]}") + " "));
                read[oid] = sum;
            },
            positions: contents._positions,
            onStatement: statement =>
            {
                last = statement;
                contents.HasLargeObjects |= statement.Span.StartsWith("SELECT pg_catalog.lo_create(");
            },
            onComment: (text, outside) =>
            {
                table = TableComment().Match(text) is { Success: true } comment ? comment : table;
                throughRoot |= text.StartsWith(" load via partition root ", StringComparison.Ordinal);
                complete |= outside && text == " " + DumpMarks.End;
            });
        await using var closed = rows.ConfigureAwait(false);
        await ScriptFile.ReadAsync(
            script,
            (block, bytes) =>
            {
                rows.Write(block.Span);
                progress?.Report(PgSize.Format(bytes));
            },
            cancellationToken).ConfigureAwait(false);
        contents.Entries = contents._tableData.Count;
        contents.Rows = read;
        return complete && !rows.InData
            ? contents
            : throw new InvalidDataException(DumpMarks.NoEnd);
    }

    /// <summary>Reads the table of contents.</summary>
    /// <param name="pgRestore">The program.</param>
    /// <param name="archive">File or folder.</param>
    /// <param name="encoding">The encoding of the names in it.</param>
    /// <param name="cancellationToken">Ends the program.</param>
    /// <param name="input">The archive's bytes, in place of the file.</param>
    /// <exception cref="PgOpsException">ToolFailed when pg_restore cannot read it or is not content with it.</exception>
    internal static async Task<ArchiveContents> ReadAsync(
        PostgresTool pgRestore, string archive, Encoding encoding, CancellationToken cancellationToken, Stream? input = null)
    {
        using var plain = OpenedArchive.Plain(archive, input);
        return await ReadAsync(pgRestore, plain, encoding, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads the table of contents of an archive that may be encrypted.</summary>
    /// <param name="pgRestore">The program.</param>
    /// <param name="archive">The archive.</param>
    /// <param name="encoding">The encoding of the names in it.</param>
    /// <param name="cancellationToken">Ends the program.</param>
    /// <exception cref="PgOpsException">ToolFailed when pg_restore cannot read it or is not content with it; DecryptionFailed.</exception>
    internal static async Task<ArchiveContents> ReadAsync(
        PostgresTool pgRestore, OpenedArchive archive, Encoding encoding, CancellationToken cancellationToken)
    {
        var contents = new ArchiveContents();
        var result = await archive.RunAsync(
            new ToolCommand(pgRestore.Path, "--list") { OnOutput = contents.Add, Encoding = encoding },
            cancellationToken).ConfigureAwait(false);
        result.EnsureSuccess();
        return result.Errors.Count == 0 ? contents : throw result.Error();
    }

    /// <summary>The tables that have no data in the archive.</summary>
    /// <param name="tables">The tables that should.</param>
    /// <param name="encoding">
    /// PostgreSQL's name of the archive's encoding. Of a letter beyond ASCII two tables may differ on what it is: outside of UTF-8 such
    /// names are counted where they are not found.
    /// </param>
    internal IReadOnlyList<PgTableFingerprint> Missing(IEnumerable<PgTableFingerprint> tables, string encoding)
    {
        // A name may hold spaces, so the owner's cannot be told from it: every prefix that ends at a space may be the table.
        var present = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in _tableData)
        {
            for (var space = entry.Text.IndexOf(' ', StringComparison.Ordinal); space >= 0; space = entry.Text.IndexOf(' ', space + 1))
            {
                present.Add(entry.Text[..space]);
            }
        }

        var expected = tables.ToList();
        var missing = expected.FindAll(table => table is { Schema: "pg_catalog", Name: "pg_largeobject" }
            ? !HasLargeObjects
            : !present.Contains(Listed(table)));
        var isCounted = !ServerEncoding.IsUtf8(encoding) && missing.TrueForAll(table => !Ascii.IsValid(Listed(table)))
            && _tableData.Count == expected.Count(table => table is not { Schema: "pg_catalog", Name: "pg_largeobject" });
        return isCounted ? [] : missing;

        static string Listed(PgTableFingerprint table) => TocLine.Listed($"{table.Schema} {table.Name}");
    }

    /// <summary>
    /// Reads the positions that a restore will set. Sequences obey no snapshot, so what pg_dump read is the only truth about the archive.
    /// </summary>
    /// <param name="pgRestore">The program.</param>
    /// <param name="archive">File or folder.</param>
    /// <param name="scratch">A folder for a short-lived file.</param>
    /// <param name="positions">What the source said a moment ago; gives names and steps.</param>
    /// <param name="only">Whether sequences that the archive does not set are left out: it holds a part of the database.</param>
    /// <param name="cancellationToken">Ends the program.</param>
    internal async Task<IReadOnlyList<PgSequencePosition>> SequencesAsync(
        PostgresTool pgRestore, string archive, string scratch, IReadOnlyList<PgSequencePosition> positions, bool only,
        CancellationToken cancellationToken)
    {
        if (_sequences.Count > 0)
        {
            await ReadSetvalsAsync(pgRestore, archive, scratch, cancellationToken).ConfigureAwait(false);
        }

        return _positions.Apply(positions, only);
    }

    private async Task ReadSetvalsAsync(PostgresTool pgRestore, string archive, string scratch, CancellationToken cancellationToken)
    {
        var list = Path.Combine(scratch, ".sequences");
        await DurableFile.WriteAsync(list, Encoding.UTF8.GetBytes(TocLine.List(_sequences)), cancellationToken).ConfigureAwait(false);
        try
        {
            var script = new ArchivedRows(_ => { }, positions: _positions);
            await using var closed = script.ConfigureAwait(false);
            var result = await ToolProcess.RunAsync(
                new ToolCommand(pgRestore.Path, "--file=-", "--use-list=" + list, archive) { Output = script },
                cancellationToken).ConfigureAwait(false);
            result.EnsureSuccess();
        }
        finally
        {
            File.Delete(list);
        }
    }

    internal void Add(string line)
    {
        if (TocLine.Read(line) is not { } entry)
        {
            return;
        }

        Entries++;
        switch (entry.Kind)
        {
            case TableDataKind:
                _tableData.Add(entry);
                break;
            case "BLOBS":
                HasLargeObjects = true;
                break;
            case "SEQUENCE SET":
                _sequences.Add(entry.Id);
                break;
        }
    }

    [GeneratedRegex("^ Data for Name: (?<name>.*); Type: TABLE DATA; Schema: (?<schema>.*); Owner: ", RegexOptions.CultureInvariant)]
    private static partial Regex TableComment();
}
