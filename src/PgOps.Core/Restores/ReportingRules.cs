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
        PostgresException said when !ServerErrors.IsLost(said) && !IsOurs(said.SqlState)
            => PgCheck.Fail(check, $"{said.SqlState} {said.MessageText}"),
        _ => null,
    };

    /// <inheritdoc/>
    internal override void Accept(PgBackup backup, IEnumerable<PgCheck> checks)
    {
        // A copy that differs is a result.
    }

    /// <summary>
    /// Whether the server lacks something, was told to stop, or cannot read its own files: classes 53, 57 and 58
    /// (https://www.postgresql.org/docs/current/errcodes-appendix.html). None of it is the backup's fault.
    /// </summary>
    private static bool IsOurs(string state) => state[..2] is "53" or "57" or "58";

    private static bool SpeaksAgainstBackup(PgErrorCode code) => code is
        PgErrorCode.RestoreFailed or PgErrorCode.RestoreMismatch or PgErrorCode.BackupDamaged
        or PgErrorCode.StatementFailed or PgErrorCode.ToolFailed or PgErrorCode.PermissionDenied
        or PgErrorCode.PathNotFound or PgErrorCode.PathInaccessible;
}
