using Npgsql;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Repository;

namespace PgOps.Core.Restores;

/// <summary>
/// A drill's: what speaks against the backup becomes a failed check; what keeps the drill from being made is thrown.
/// </summary>
internal sealed class ReportingRules : RestoreRules
{
    /// <inheritdoc/>
    internal override void Accept(BackupProof proof)
    {
        if (proof.Check.Status != PgCheckStatus.Failed)
        {
            proof.RequireDefinitions();
        }
    }

    /// <inheritdoc/>
    internal override PgCheck? Finding(string check, Exception error) => error switch
    {
        PgOpsException known when SpeaksAgainstBackup(known.Code) => PgCheck.Fail(check, known.Problem),
        PostgresException said when !ServerErrors.IsLost(said) && said.SqlState != PostgresErrorCodes.QueryCanceled
            => PgCheck.Fail(check, $"{said.SqlState} {said.MessageText}"),
        _ => null,
    };

    /// <inheritdoc/>
    internal override void Accept(PgBackup backup, IEnumerable<PgCheck> checks)
    {
        // A copy that differs is a result.
    }

    private static bool SpeaksAgainstBackup(PgErrorCode code) => code is
        PgErrorCode.RestoreFailed or PgErrorCode.RestoreMismatch or PgErrorCode.BackupDamaged
        or PgErrorCode.StatementFailed or PgErrorCode.ToolFailed or PgErrorCode.PermissionDenied
        or PgErrorCode.PathNotFound or PgErrorCode.PathInaccessible;
}
