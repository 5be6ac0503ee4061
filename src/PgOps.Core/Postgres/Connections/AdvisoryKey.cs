using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace PgOps.Core.Postgres.Connections;

/// <summary>Keys of advisory locks, made from words.</summary>
internal static class AdvisoryKey
{
    // Advisory locks belong to one database each, and the holder may work from another maintenance database: look at all of them.
    private const string HeldQuery = """
        SELECT EXISTS (
            SELECT FROM pg_catalog.pg_locks
            WHERE locktype = 'advisory' AND objsubid = 1
              AND ((classid::bigint << 32) | objid::bigint) = $1)
        """;

    /// <summary>The key of what the words name.</summary>
    internal static long Of(string words) => BinaryPrimitives.ReadInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(words)));

    /// <summary>Whether any session holds the lock in any database of the server.</summary>
    internal static Task<bool> IsHeldAsync(NpgsqlConnection session, long key, CancellationToken cancellationToken)
        => session.ScalarAsync<bool>(HeldQuery, cancellationToken, key);
}
