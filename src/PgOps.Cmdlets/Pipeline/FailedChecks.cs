namespace PgOps.Cmdlets.Pipeline;

/// <summary>The error that -Strict makes of failed checks.</summary>
internal static class FailedChecks
{
    internal static PgOpsException Error(string subject, IEnumerable<PgCheck> checks, object result)
    {
        var failed = checks.Where(check => check.Status == PgCheckStatus.Failed).ToList();
        return new PgOpsException(
            PgErrorCode.CheckFailed,
            failed.Count == 0
                ? $"{subject}: what had to be checked could not be.\n"
                    + string.Join('\n', checks.Select(check => $"  {check.Name}: {check.Detail}"))
                : $"{subject}: {PgAmount.Of(failed.Count, "check")} failed.\n"
                    + $"{string.Join('\n', failed.Select(check => $"  {check.Name}: {check.Detail}"))}",
            null,
            "The result object holds every check.")
        {
            Subject = result,
        };
    }
}
