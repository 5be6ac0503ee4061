using System.Management.Automation;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>PowerShell's error record of a PgOps error: the code is the ErrorId, the next step the recommended action.</summary>
internal static class ErrorRecords
{
    internal static ErrorRecord From(PgOpsException error)
    {
        var record = new ErrorRecord(error, error.Code.ToString(), Category(error.Code), error.Subject)
        {
            ErrorDetails = new ErrorDetails(error.Message) { RecommendedAction = error.NextStep ?? "" },
        };

        // The module's own view keeps the lines of the message as they are (PgOps.format.ps1xml).
        PSObject.AsPSObject(record).TypeNames.Insert(0, "PgOps.ErrorRecord");
        return record;
    }

    private static ErrorCategory Category(PgErrorCode code) => code switch
    {
        PgErrorCode.InvalidArgument or PgErrorCode.TargetInvalid or PgErrorCode.VersionNotFound => ErrorCategory.InvalidArgument,
        PgErrorCode.ConnectionFailed or PgErrorCode.ConnectionLost or PgErrorCode.PoolerDetected => ErrorCategory.ConnectionError,
        PgErrorCode.PermissionDenied => ErrorCategory.PermissionDenied,
        PgErrorCode.ToolMissing or PgErrorCode.ToolTooOld or PgErrorCode.ServerVersionUnsupported => ErrorCategory.NotInstalled,
        PgErrorCode.PathNotFound or PgErrorCode.SchemaNotFound => ErrorCategory.ObjectNotFound,
        PgErrorCode.PathInaccessible => ErrorCategory.PermissionDenied,
        PgErrorCode.DiskFull => ErrorCategory.LimitsExceeded,
        PgErrorCode.StoreInvalid => ErrorCategory.InvalidArgument,
        PgErrorCode.StoreFailed => ErrorCategory.ResourceUnavailable,
        PgErrorCode.MigrationSourceInvalid or PgErrorCode.MigrationScriptInvalid => ErrorCategory.ParserError,
        PgErrorCode.MigrationLocked or PgErrorCode.DatabaseInUse => ErrorCategory.ResourceBusy,
        PgErrorCode.MigrationChanged or PgErrorCode.MigrationMissing or PgErrorCode.MigrationOutOfOrder
            or PgErrorCode.MigrationInterrupted or PgErrorCode.DownScriptMissing
            or PgErrorCode.BaselineRequired or PgErrorCode.TargetNotEmpty
            or PgErrorCode.TargetIsSource or PgErrorCode.BackupNotProven or PgErrorCode.NotForDevelopment or PgErrorCode.NotConfirmed
            or PgErrorCode.HistoriesDiverged or PgErrorCode.ImportRequired =>
                ErrorCategory.InvalidOperation,
        PgErrorCode.HistoryTampered or PgErrorCode.SignatureInvalid or PgErrorCode.DecryptionFailed => ErrorCategory.SecurityError,
        PgErrorCode.BackupDamaged or PgErrorCode.RestoreMismatch or PgErrorCode.CheckFailed => ErrorCategory.InvalidData,
        PgErrorCode.Cancelled or PgErrorCode.TargetsNotBegun => ErrorCategory.OperationStopped,
        PgErrorCode.StatementFailed or PgErrorCode.MigrationFailed => ErrorCategory.InvalidResult,
        PgErrorCode.ToolFailed => ErrorCategory.FromStdErr,
        PgErrorCode.SandboxFailed => ErrorCategory.ResourceUnavailable,
        PgErrorCode.BackupFailed or PgErrorCode.RestoreFailed => ErrorCategory.WriteError,
        _ => ErrorCategory.NotSpecified,
    };
}
