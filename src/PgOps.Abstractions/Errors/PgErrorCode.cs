namespace PgOps;

/// <summary>What went wrong. The name is the cmdlet error's stable ErrorId.</summary>
public enum PgErrorCode
{
    /// <summary>Not classified.</summary>
    Unknown,

    /// <summary>A parameter's value makes no sense.</summary>
    InvalidArgument,

    /// <summary>A target string cannot be understood.</summary>
    TargetInvalid,

    /// <summary>The server was not reached or did not let us in.</summary>
    ConnectionFailed,

    /// <summary>The connection broke in the middle of the work.</summary>
    ConnectionLost,

    /// <summary>A transaction pooler stands where a session is needed.</summary>
    PoolerDetected,

    /// <summary>The role lacks a privilege.</summary>
    PermissionDenied,

    /// <summary>The server is too old or too new for what was asked.</summary>
    ServerVersionUnsupported,

    /// <summary>The server said no to a statement.</summary>
    StatementFailed,

    /// <summary>A PostgreSQL program is not installed.</summary>
    ToolMissing,

    /// <summary>A PostgreSQL program is older than the server it should work on.</summary>
    ToolTooOld,

    /// <summary>A PostgreSQL program ended with an error or a warning.</summary>
    ToolFailed,

    /// <summary>A sandbox did not start.</summary>
    SandboxFailed,

    /// <summary>A file or folder is not there.</summary>
    PathNotFound,

    /// <summary>A file or folder cannot be read or written.</summary>
    PathInaccessible,

    /// <summary>There is not enough room on the disk.</summary>
    DiskFull,

    /// <summary>A file in the migration folder fits no shape, or two claim the same version.</summary>
    MigrationSourceInvalid,

    /// <summary>A script cannot be read as PostgreSQL's SQL, or holds what a migration must not hold.</summary>
    MigrationScriptInvalid,

    /// <summary>A file was changed after it had been applied.</summary>
    MigrationChanged,

    /// <summary>An applied migration's file is gone.</summary>
    MigrationMissing,

    /// <summary>A new file's version lies below the newest applied one.</summary>
    MigrationOutOfOrder,

    /// <summary>A migration ended with an error.</summary>
    MigrationFailed,

    /// <summary>A migration was interrupted and the catalogs cannot tell how far it came.</summary>
    MigrationInterrupted,

    /// <summary>A migration that is to be undone has no down script, or PgOps did not apply it.</summary>
    DownScriptMissing,

    /// <summary>Another migrator holds the lock.</summary>
    MigrationLocked,

    /// <summary>The history's hash chain does not hold.</summary>
    HistoryTampered,

    /// <summary>The database has objects but no history.</summary>
    BaselineRequired,

    /// <summary>The version asked for does not exist.</summary>
    VersionNotFound,

    /// <summary>A proven backup is needed and there is none.</summary>
    BackupNotProven,

    /// <summary>A backup could not be made.</summary>
    BackupFailed,

    /// <summary>A backup is damaged or incomplete.</summary>
    BackupDamaged,

    /// <summary>A backup is not signed by the key that was given.</summary>
    SignatureInvalid,

    /// <summary>A backup is encrypted, and what is given does not open it.</summary>
    DecryptionFailed,

    /// <summary>A restore did not succeed; nothing was put in place.</summary>
    RestoreFailed,

    /// <summary>The restored copy differs from the backup.</summary>
    RestoreMismatch,

    /// <summary>The restore's target is not empty.</summary>
    TargetNotEmpty,

    /// <summary>The restore's target is the database the backup came from.</summary>
    TargetIsSource,

    /// <summary>A test found a failure and was asked to be strict.</summary>
    CheckFailed,

    /// <summary>The work was cancelled.</summary>
    Cancelled,

    /// <summary>Targets were left untouched because another one failed.</summary>
    TargetsNotBegun,

    /// <summary>No schema has the name, or fits the pattern.</summary>
    SchemaNotFound,

    /// <summary>A store's URI cannot be understood, or holds a secret.</summary>
    StoreInvalid,

    /// <summary>A store could not be reached, or refused what was asked.</summary>
    StoreFailed,

    /// <summary>A database that does not say that it is for development must not be reset.</summary>
    NotForDevelopment,

    /// <summary>Sessions are connected to a database that is to be replaced.</summary>
    DatabaseInUse,

    /// <summary>A command asks before it goes on, and there is nobody to ask.</summary>
    NotConfirmed,

    /// <summary>The tool that the history was imported from has gone on, or says something else.</summary>
    HistoriesDiverged,

    /// <summary>The database has another tool's history and none of PgOps'.</summary>
    ImportRequired,
}
