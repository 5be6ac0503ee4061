namespace PgOps;

/// <summary>What <c>Test-PgDatabase</c> looks for. The check of a kind has its name with hyphens: invalid-indexes.</summary>
public enum PgFindingKind
{
    /// <summary>A table or view of the manifest or the expectations is missing.</summary>
    ExpectedTables,

    /// <summary>
    /// A column of them is missing (error), or defined differently (error against expectations, warning against a manifest).
    /// </summary>
    ExpectedColumns,

    /// <summary>A policy of them is missing, or row-level security is off where it was expected to be on.</summary>
    ExpectedPolicies,

    /// <summary>Row-level security without a policy hides every row; policies without it protect none. Error.</summary>
    RowSecurity,

    /// <summary>An invalid index serves no query, and a unique one vouches for nothing. Error, while it is being built a warning.</summary>
    InvalidIndexes,

    /// <summary>Text sorts differently than when the indexes were built: they may miss rows. Error.</summary>
    CollationVersion,

    /// <summary>Transaction ids or multixact ids run out. Warning, then error.</summary>
    Wraparound,

    /// <summary>A sequence runs out of numbers, its own or those of its column. Warning, then error.</summary>
    Sequences,

    /// <summary>A disabled trigger: a warning; an error where it is a constraint's own.</summary>
    DisabledTriggers,

    /// <summary>A constraint that older rows were never held against. Warning.</summary>
    UnvalidatedConstraints,

    /// <summary>A table without a primary key. Warning.</summary>
    PrimaryKeys,

    /// <summary>An index that another one makes superfluous. Warning.</summary>
    DuplicateIndexes,

    /// <summary>An index that no query has used. Warning.</summary>
    UnusedIndexes,
}
