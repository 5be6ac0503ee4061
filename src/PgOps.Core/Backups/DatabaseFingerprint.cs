using PgOps.Core.Operations;

namespace PgOps.Core.Backups;

/// <summary>What a database holds: counts and content hashes of its tables, positions of its sequences.</summary>
/// <param name="Tables">Every table whose rows pg_dump dumps, ordered by schema and name.</param>
/// <param name="Sequences">Every sequence, ordered by schema and name.</param>
/// <param name="LeftOut">What pg_dump leaves out on purpose, one sentence each.</param>
internal sealed record DatabaseContent(
    IReadOnlyList<PgTableFingerprint> Tables, IReadOnlyList<PgSequencePosition> Sequences, IReadOnlyList<string> LeftOut);

/// <summary>How deep a fingerprint looks.</summary>
internal enum FingerprintDepth
{
    /// <summary>Names only.</summary>
    None,

    /// <summary>Row counts.</summary>
    Counts,

    /// <summary>Row counts and content hashes.</summary>
    Source,
}

/// <summary>
/// The fingerprint of a database: for each table the number of rows and the sum modulo 2^128 of MurmurHash3-x64-128 over the COPY text
/// of each row (line end excluded) for the columns that pg_dump dumps, under pinned output settings. One definition for the source,
/// the archive and the restored copy.
/// </summary>
internal static class DatabaseFingerprint
{
    /// <summary>Reads the fingerprint.</summary>
    /// <param name="target">The database.</param>
    /// <param name="snapshot">An exported snapshot to read in; null takes and exports an own one.</param>
    /// <param name="depth">How deep to look.</param>
    /// <param name="jobs">Sessions to read with.</param>
    /// <param name="progress">Shows bytes read; may be null.</param>
    /// <param name="cancellationToken">Stops the sessions and waits for them.</param>
    internal static Task<DatabaseContent> ReadAsync(
        PgTarget target, string? snapshot, FingerprintDepth depth, int jobs, ProgressActivity? progress, CancellationToken cancellationToken)
        => throw new NotImplementedException();
}
