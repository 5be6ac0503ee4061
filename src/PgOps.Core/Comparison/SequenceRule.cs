namespace PgOps.Core.Comparison;

/// <summary>How strictly sequences are held to the reference.</summary>
internal enum SequenceRule
{
    /// <summary>Positions must be the same: two live databases.</summary>
    Same,

    /// <summary>
    /// At or past the recorded position in the sequence's direction: pg_dump reads positions outside MVCC, so a dump may hold a later
    /// one than the snapshot; an earlier one would hand out used numbers.
    /// </summary>
    NotBehind,
}
