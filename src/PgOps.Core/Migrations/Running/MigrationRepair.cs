namespace PgOps.Core.Migrations.Running;

/// <summary>What a person says of a migration that PgOps cannot decide.</summary>
public enum MigrationRepair
{
    /// <summary>Its effect is in the database.</summary>
    MarkApplied,

    /// <summary>Its effect is not in the database.</summary>
    MarkNotApplied,

    /// <summary>The file as it is now stands for what was applied.</summary>
    AcceptChange,

    /// <summary>The statement that was running when it was interrupted came to its end.</summary>
    MarkStatementDone,

    /// <summary>The statement that was running when it was interrupted left nothing behind.</summary>
    MarkStatementNotDone,

    /// <summary>The history as it is now is right; chain its hashes again.</summary>
    Reseal,
}
