namespace PgOps.Core.Migrations.History;

/// <summary>What a row of the history says of its migration. The history holds the names in lower case.</summary>
internal enum HistoryState
{
    /// <summary>Begun, outside a transaction, and not ended.</summary>
    Started,

    /// <summary>Ended well.</summary>
    Applied,

    /// <summary>Failed; rolled back whole where it is transactional.</summary>
    Failed,

    /// <summary>Undone, or marked as not applied.</summary>
    Reverted,

    /// <summary>A person's word that it stands as its file says.</summary>
    Resolved,

    /// <summary>Recorded as there already; PgOps did not run it.</summary>
    Baselined,
}
