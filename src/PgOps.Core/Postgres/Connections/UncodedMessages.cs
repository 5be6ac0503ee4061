namespace PgOps.Core.Postgres.Connections;

/// <summary>
/// What only a text says: programs write lines to stderr and end with 1 whatever the reason, and some libraries throw one type for
/// everything. Where there is a SQLSTATE, an exit code or a type, that decides; the rest stands here. ToolProcess keeps programs' messages
/// in English. What pg_restore and psql say in the midst of a restore is read by PgRestoreMessages and PsqlMessages.
/// </summary>
internal static class UncodedMessages
{
    /// <summary>
    /// Whether a hint, or whatever a program said, tells to raise the number of locks. Its SQLSTATE, 53200, is that of every shortage of
    /// memory; the setting's name is in no language.
    /// </summary>
    internal static bool IsOutOfLocks(string? said) => said?.Contains("max_locks_per_transaction", StringComparison.Ordinal) == true;

    /// <summary>Whether a standby ended what a program read; its SQLSTATE, 40001, does not reach the program's words.</summary>
    internal static bool IsStandbyConflict(string said) => said.Contains("conflict with recovery", StringComparison.Ordinal);

    /// <summary>Whether a program found its disk full: strerror of ENOSPC, and pg_dump ends with 1.</summary>
    internal static bool IsDiskFull(string said) => said.Contains("No space left on device", StringComparison.Ordinal);

    /// <summary>
    /// Whether pg_dump refuses a way to compress: "this build does not support compression with zstd", "invalid compression specification".
    /// It ends with 1, as it does for the connection that is not there.
    /// </summary>
    internal static bool IsAboutCompression(string said) => said.Contains("compression", StringComparison.Ordinal);

    /// <summary>Whether AWS' client found no keys: it throws its general AmazonClientException without an ErrorCode.</summary>
    internal static bool IsWithoutCredentials(string said) => said.Contains("credentials", StringComparison.OrdinalIgnoreCase);
}
