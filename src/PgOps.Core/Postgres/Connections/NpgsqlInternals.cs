using System.Runtime.CompilerServices;
using Npgsql;

namespace PgOps.Core.Postgres.Connections;

/// <summary>
/// What PgOps takes from Npgsql beyond its documented surface, and nowhere else. NpgsqlInternalsTests holds each against the version in
/// use and says what goes wrong when Npgsql changes it.
/// </summary>
internal static class NpgsqlInternals
{
    /// <summary>
    /// Has a batch give every value as the server's text. NpgsqlCommand has AllResultTypesAreUnknown in public, NpgsqlBatch keeps it to
    /// itself. Without it a migration's SELECT of a type that Npgsql does not know would fail, for PgOps loads no types.
    /// </summary>
    internal static void AskForText(NpgsqlBatch batch) => SetAllResultTypesAreUnknown(batch, true);

    /// <summary>
    /// Runs a COPY … TO STDOUT in text form and gives the bytes as the server sends them. Npgsql refuses a raw COPY of text; its text
    /// reader is a StreamReader over a stream that has them. Without it every row would be decoded and encoded again to be hashed.
    /// </summary>
    /// <param name="connection">The session.</param>
    /// <param name="copy">The COPY statement.</param>
    /// <param name="cancellationToken">Cancels the COPY.</param>
    /// <returns>The bytes; disposing it ends the COPY.</returns>
    internal static async Task<Stream> CopyTextAsync(NpgsqlConnection connection, string copy, CancellationToken cancellationToken)
        => ((StreamReader)await connection.BeginTextExportAsync(copy, cancellationToken).ConfigureAwait(false)).BaseStream;

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_AllResultTypesAreUnknown")]
    private static extern void SetAllResultTypesAreUnknown(NpgsqlBatch batch, bool value);
}
