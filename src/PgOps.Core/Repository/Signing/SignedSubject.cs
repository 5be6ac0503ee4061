namespace PgOps.Core.Repository.Signing;

/// <summary>What a signature is of.</summary>
internal enum SignedSubject
{
    /// <summary>A backup's list of hashes.</summary>
    Backup,

    /// <summary>A ledger's entry.</summary>
    Drill,
}
