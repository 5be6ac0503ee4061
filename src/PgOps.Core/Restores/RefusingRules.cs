using PgOps.Core.Comparison;
using PgOps.Core.Repository;

namespace PgOps.Core.Restores;

/// <summary>A restore's: a failed check is an error, and nothing is put in place.</summary>
internal sealed class RefusingRules : RestoreRules
{
    private const string NothingDone = "Nothing was restored.";

    private readonly RestoreDatabaseRequest _request;

    /// <param name="request">What is to be restored.</param>
    internal RefusingRules(RestoreDatabaseRequest request)
    {
        _request = request;
    }

    /// <inheritdoc/>
    /// <exception cref="PgOpsException">BackupDamaged, SignatureInvalid, InvalidArgument, RestoreFailed.</exception>
    internal override void Accept(BackupProof proof)
    {
        var backup = _request.Backup;
        if (proof.Check.Status == PgCheckStatus.Failed)
        {
            throw new PgOpsException(
                PgErrorCode.BackupDamaged,
                $"{backup} is damaged: {proof.Check.Detail}",
                NothingDone,
                "Restore another backup (Get-PgBackup lists them), or fetch this one again from where a copy is kept.")
            { Subject = backup };
        }

        proof.RequireDefinitions();
        ScriptRestore.RefuseUnlessFit(proof, [.. Changes()]);
        if (proof.Signature is { Status: PgCheckStatus.Failed } signature)
        {
            throw new PgOpsException(
                PgErrorCode.SignatureInvalid,
                $"{backup} is not restored: {signature.Detail}",
                NothingDone,
                "Find out where the backup comes from; restore one that carries a valid signature.")
            { Subject = backup };
        }
    }

    /// <inheritdoc/>
    internal override PgCheck? Finding(string check, Exception error) => null;

    /// <inheritdoc/>
    /// <exception cref="PgOpsException">RestoreMismatch.</exception>
    internal override void Accept(PgBackup backup, IEnumerable<PgCheck> checks)
    {
        var failed = checks.Where(check => check.Status == PgCheckStatus.Failed).ToList();
        if (failed.Count > 0)
        {
            throw new PgOpsException(
                PgErrorCode.RestoreMismatch,
                $"The restored copy differs from {backup}:\n  "
                    + string.Join("\n  ", failed.Select(check => $"{check.Name}: {check.Detail}")),
                "Nothing was put in place.",
                failed.TrueForAll(check => check.IsLeftOutByDump)
                    ? PublicSchema.WayOut(backup)
                    : failed.TrueForAll(check => check.Name == PgCheckName.GeneratedColumns)
                    ? "All that was dumped is right; what these columns are computed from was not there yet when they were computed. "
                        + "Restore with -KeepFailed, compute them anew in the database that is kept (UPDATE table SET column = column, "
                        + "with a column that they are computed from), and hold its rows against the backup (Compare-PgDatabase). Then "
                        + "ALTER DATABASE … RESET synchronous_commit, and Switch-PgDatabase -With puts it in the place of another and "
                        + "gives it that one's properties; "
                        + "without another, rename it and set what the manifest's facts say (grants, settings)."
                    : "Restore an older backup, and keep this one for looking into; Test-PgRestore shows every table.")
            { Subject = backup };
        }
    }

    private IEnumerable<string> Changes()
        => ((bool Is, string Name)[])
        [
            (_request.NoOwner, "-NoOwner"), (_request.NoPrivileges, "-NoPrivileges"), (_request.NoTablespaces, "-NoTablespaces"),
            (_request.MapRole.Count > 0, "-MapRole"), (_request.SkipExtension.Count > 0, "-SkipExtension"),
            (_request.Schemas.Count > 0, "-Schema"), (_request.Tables.Count > 0, "-Table"),
        ] is var all ? all.Where(one => one.Is).Select(one => one.Name) : [];
}
