using System.Security.Cryptography;
using System.Text;
using Npgsql;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Restores.Masking;

/// <summary>
/// The key of a run. The seed never leaves this process: the server gets keys derived from it, by COPY, whose data no server logs, into a
/// temporary table that ends with the transaction.
/// </summary>
internal sealed class MaskKey
{
    /// <summary>The temporary table with the pads of HMAC-SHA-256 (RFC 2104), two columns for each kind.</summary>
    internal const string Table = "pg_temp.pgops_mask_key";

    private const int ShortestSeed = 16;
    private const int Rounds = 200_000;
    private const int BlockBytes = 64;

    private readonly byte[] _master;

    private MaskKey(byte[] master)
    {
        _master = master;
    }

    /// <summary>The kinds that need one.</summary>
    internal static IReadOnlyList<MaskKind> Kinds { get; } =
        [MaskKind.Name, MaskKind.Email, MaskKind.Phone, MaskKind.Hash, MaskKind.Shuffle];

    /// <summary>The key of a seed; without one, a random key that is forgotten with the run.</summary>
    /// <exception cref="PgOpsException">InvalidArgument: the seed could be guessed.</exception>
    internal static MaskKey From(PgSecret? seed)
    {
        if (seed is null)
        {
            return new MaskKey(RandomNumberGenerator.GetBytes(32));
        }

        return seed.Reveal().Length >= ShortestSeed
            ? new MaskKey(Rfc2898DeriveBytes.Pbkdf2(
                seed.Reveal(), Encoding.UTF8.GetBytes(MaskRules.Format), Rounds, HashAlgorithmName.SHA256, 32))
            : throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"The seed of the masks has fewer than {ShortestSeed} characters: who guesses it can look for names by trial.",
                "Nothing was restored.",
                "Give a longer -MaskSeed and keep it as a secret, or none for a key of this run alone.");
    }

    /// <summary>The name of a pad's column.</summary>
    internal static string Column(MaskKind kind, bool outer) => $"pgops_{kind}_{(outer ? "o" : "i")}".ToLowerInvariant();

    /// <summary>Hands the keys to a session, inside its transaction.</summary>
    internal async Task SendAsync(NpgsqlConnection session, CancellationToken cancellationToken)
    {
        var columns = Kinds.SelectMany(kind => new[] { Column(kind, false), Column(kind, true) }).ToList();
        await session.ExecuteAsync(
            $"CREATE TEMPORARY TABLE pgops_mask_key ({string.Join(", ", columns.Select(column => column + " bytea NOT NULL"))}) "
                + "ON COMMIT DROP",
            cancellationToken).ConfigureAwait(false);
        var writer = await session.BeginTextImportAsync($"COPY {Table} FROM STDIN", cancellationToken).ConfigureAwait(false);
        await using (writer.ConfigureAwait(false))
        {
            var pads = Kinds.SelectMany(kind =>
            {
                var key = HKDF.Expand(HashAlgorithmName.SHA256, _master, BlockBytes, Encoding.UTF8.GetBytes(kind.ToString()));
                return new[] { Pad(key, 0x36), Pad(key, 0x5C) };
            });
            await writer.WriteAsync((string.Join('\t', pads) + "\n").AsMemory(), cancellationToken).ConfigureAwait(false);
        }

        // Without statistics the planner takes it for a long table.
        await session.ExecuteAsync($"ANALYZE {Table}", cancellationToken).ConfigureAwait(false);
    }

    private static string Pad(byte[] key, byte with) => @"\\x" + Convert.ToHexString(Array.ConvertAll(key, part => (byte)(part ^ with)));
}
