namespace PgOps;

/// <summary>How deep a fingerprint looks.</summary>
public enum PgFingerprintDepth
{
    /// <summary>Names only.</summary>
    None,

    /// <summary>Row counts.</summary>
    Counts,

    /// <summary>Row counts from the source, content hashes from the finished archive, which is read through once.</summary>
    Archive,

    /// <summary>Row counts and content hashes from the source, inside the snapshot.</summary>
    Source,
}
