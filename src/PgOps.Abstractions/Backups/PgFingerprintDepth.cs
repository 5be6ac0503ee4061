namespace PgOps;

/// <summary>How deep a fingerprint looks.</summary>
public enum PgFingerprintDepth
{
    /// <summary>Names only.</summary>
    None,

    /// <summary>Row counts.</summary>
    Counts,

    /// <summary>Row counts and content hashes.</summary>
    Source,
}
