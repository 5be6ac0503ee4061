using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace PgOps.Core.Postgres.Connections;

/// <summary>Keys of advisory locks, made from words; <see cref="AdvisoryLock"/> takes them.</summary>
internal static class AdvisoryKey
{
    /// <summary>The key of what the words name.</summary>
    internal static long Of(string words) => BinaryPrimitives.ReadInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(words)));
}
