using System.Globalization;
using System.Text;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Repository.Archives;

namespace PgOps.Core.Backups;

/// <summary>
/// pg_dump's custom format on its way through the encryption: no plain byte of it reaches the disk. Nobody here can decrypt it again, so
/// it is read back while it flows: its table of contents, its rows' hashes, its sequences' positions.
/// </summary>
internal sealed class EncryptedDump
{
    private readonly Encryptor _encryptor;
    private readonly PostgresTool _pgRestore;
    private readonly string _file;
    private readonly Encoding _encoding;
    private readonly List<RowHashSum> _rows = [];
    private readonly ArchivedPositions _positions = new();

    internal EncryptedDump(Encryptor encryptor, PostgresTool pgRestore, string file, Encoding encoding)
    {
        _encoding = encoding;
        _encryptor = encryptor;
        _pgRestore = pgRestore;
        _file = file;
    }

    /// <summary>The archive's table of contents.</summary>
    internal ArchiveContents Contents { get; } = new();

    /// <summary>Rows and hash by oid.</summary>
    internal IReadOnlyDictionary<uint, RowHashSum> Rows
        => Contents.TableData.Zip(_rows).ToDictionary(pair => pair.First.Oid, pair => pair.Second);

    /// <summary>Runs pg_dump.</summary>
    /// <param name="pgDump">The command; it writes to its standard output.</param>
    /// <param name="cancellationToken">Ends everything.</param>
    /// <returns>How pg_dump ended.</returns>
    /// <exception cref="PgOpsException">ToolFailed, BackupFailed.</exception>
    internal async Task<ToolResult> RunAsync(ToolCommand pgDump, CancellationToken cancellationToken)
    {
        var rows = new ArchivedRows(_rows.Add, positions: _positions);
        await using var closed = rows.ConfigureAwait(false);
        var (dumped, readers) = await ToolRelay.RunAsync(
            pgDump,
            [
                _encryptor.Command(_file),
                new ToolCommand(_pgRestore.Path, "--list") { OnOutput = Contents.Add, Encoding = _encoding },
                new ToolCommand(_pgRestore.Path, "--data-only", "--file=-") { Output = rows },
            ],
            cancellationToken).ConfigureAwait(false);
        if (dumped is { ExitCode: not 0 })
        {
            return dumped;
        }

        foreach (var reader in readers.OfType<ToolResult>()
            .Where(reader => reader.ExitCode != 0 || (reader.Program == "pg_restore" && reader.Errors.Count > 0)))
        {
            throw reader.Error(BackupDatabase.NothingLeft, "Check the disk and run the backup again.");
        }

        return dumped is not null && !rows.InData && _rows.Count == Contents.TableCount
            ? dumped
            : throw new PgOpsException(
                PgErrorCode.BackupFailed,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"pg_restore read {_rows.Count} of {PgAmount.Of(Contents.TableCount, "table")} in what pg_dump wrote."),
                BackupDatabase.NothingLeft);
    }

    /// <summary>The positions that a restore will set; of a part of a database only those that it sets.</summary>
    internal IReadOnlyList<PgSequencePosition> Sequences(IReadOnlyList<PgSequencePosition> positions, bool only)
        => _positions.Apply(positions, only);
}
