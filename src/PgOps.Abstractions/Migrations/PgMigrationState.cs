namespace PgOps;

/// <summary>How a migration stands between its folder and the database's history.</summary>
public enum PgMigrationState
{
    /// <summary>In the folder, not yet in the database.</summary>
    Pending,

    /// <summary>In the database, and the file is the one that was applied.</summary>
    Applied,

    /// <summary>Recorded as present when the history began; its statements were not run by PgOps.</summary>
    Baselined,

    /// <summary>Applied, but the file has been changed since.</summary>
    Changed,

    /// <summary>Applied, but the file is gone.</summary>
    Missing,

    /// <summary>Pending with a version below the newest applied one.</summary>
    OutOfOrder,

    /// <summary>Ended with an error; what it left behind is recorded.</summary>
    Failed,

    /// <summary>Started, never ended: its migrator was killed or cut off.</summary>
    Interrupted,

    /// <summary>A repeatable script that is new or was changed: the next run applies it.</summary>
    RepeatableDue,
}
