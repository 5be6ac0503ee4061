using System.Security.Cryptography;
using System.Text;
using Npgsql;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Operations;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>Feeds a COPY … FROM STDIN with its inline data, from the script's text or, of a large file, from the file.</summary>
internal static class CopyFeed
{
    /// <summary>Runs the COPY.</summary>
    /// <param name="connection">The session, in a transaction.</param>
    /// <param name="script">The migration.</param>
    /// <param name="statement">A statement of it that has data.</param>
    /// <param name="sink">Receives the progress.</param>
    /// <param name="cancellationToken">Cancels the COPY.</param>
    /// <exception cref="PgOpsException">MigrationChanged: the file is no longer as it was read.</exception>
    internal static async Task SendAsync(
        NpgsqlConnection connection,
        MigrationScript script,
        SqlStatement statement,
        IOperationSink sink,
        CancellationToken cancellationToken)
    {
        var data = statement.CopyData!.Value;
        var writer = await connection.BeginTextImportAsync(statement.Text, cancellationToken).ConfigureAwait(false);
        await using (writer.ConfigureAwait(false))
        {
            if (script.StoredDataOf(statement) is { } stored)
            {
                await StreamAsync(script.File, stored, writer, sink, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                await writer.WriteAsync(script.Text.AsMemory(data.Offset, data.Length), cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static async Task StreamAsync(
        MigrationFile file, StoredData stored, TextWriter writer, IOperationSink sink, CancellationToken cancellationToken)
    {
        using var progress = new ProgressActivity(sink, $"Copying data of {file}");
        using var lines = new LineBlocks(file.Path, stored.FileOffset, stored.FileLength);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var characters = Array.Empty<char>();
        for (lines.Advance(0); !lines.Raw.IsEmpty; lines.Advance(lines.Raw.Length))
        {
            var block = lines.Normalise(0, lines.Raw.Length);
            hash.AppendData(block.Span);
            if (characters.Length < block.Length)
            {
                characters = new char[block.Length];
            }

            var count = Encoding.UTF8.GetChars(block.Span, characters);
            await writer.WriteAsync(characters.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
            var done = lines.Offset - stored.FileOffset;
            progress.Report($"{PgSize.Format(done)} of {PgSize.Format(stored.FileLength)}", done, stored.FileLength);
        }

        if (Hex.Of(hash.GetHashAndReset()) != stored.Sha256)
        {
            throw new PgOpsException(
                PgErrorCode.MigrationChanged,
                $"{file.Path} was changed while it ran: the data of its COPY are no longer those that had been read.",
                "The COPY's transaction is rolled back; what ran before it is recorded.",
                "See that nothing writes to the file, and run the command again.")
            { Subject = file.Path };
        }
    }
}
