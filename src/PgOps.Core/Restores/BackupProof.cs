using System.Globalization;
using PgOps.Core.Backups;
using PgOps.Core.Operations;

namespace PgOps.Core.Restores;

/// <summary>The first step of every restore and drill: the backup's files are what its hashes say.</summary>
internal static class BackupProof
{
    /// <summary>Tests the backup.</summary>
    /// <returns>One check, <c>hashes</c>; never skipped.</returns>
    internal static async Task<PgCheck> HashesAsync(PgBackup backup, IOperationSink sink, CancellationToken cancellationToken)
    {
        var test = await new TestBackup().RunAsync(new TestBackupRequest { Backup = backup }, sink, cancellationToken).ConfigureAwait(false);
        var wrong = test.Checks.Where(check => check.Status == PgCheckStatus.Failed).Select(check => $"{check.Name}: {check.Detail}").ToList();
        if (backup.Manifest is null && wrong.Count == 0)
        {
            wrong.Add("the manifest cannot be read" + (backup.Problem is null ? "" : ": " + backup.Problem));
        }

        var result = test.Passed && wrong.Count == 0
            ? PgCheck.Pass("hashes", string.Create(CultureInfo.InvariantCulture, $"{test.Files} files, {test.Bytes:N0} bytes, as recorded"))
            : PgCheck.Fail("hashes", wrong.Count > 0 ? string.Join("; ", wrong) : "nothing could be checked");
        return result with { Duration = test.Duration };
    }
}
