namespace PgOps.Core.Backups;

/// <summary>How deep a fingerprint looks.</summary>
public enum FingerprintDepth
{
    /// <summary>Names only.</summary>
    None,

    /// <summary>Row counts.</summary>
    Counts,

    /// <summary>Row counts and content hashes.</summary>
    Source,
}
