namespace PgOps.Core.Common.Hashes;

/// <summary>A file of a backup as it is on disk.</summary>
/// <param name="Name">Path inside the backup, with forward slashes.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Hash">SHA-256 in lower-case hex.</param>
internal sealed record HashedFile(string Name, long Bytes, string Hash);
