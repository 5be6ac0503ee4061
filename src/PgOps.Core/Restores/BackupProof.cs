using System.Globalization;
using PgOps.Core.Backups;
using PgOps.Core.Backups.Foreign;
using PgOps.Core.Operations;

namespace PgOps.Core.Restores;

/// <summary>The first step of every restore and drill: the backup's files are what its hashes say.</summary>
/// <param name="Check">One check, <c>hashes</c>; skipped only for a foreign dump that has no hash beside it.</param>
/// <param name="Backup">
/// The backup with the manifest that was read and hashed just now, whatever the caller's copy said; a foreign dump gets one made up of
/// what it says about itself, for <see cref="Shown"/> to take off again.
/// </param>
/// <param name="Script">What a foreign dump says about itself; null for a backup.</param>
internal sealed record BackupProof(PgCheck Check, PgBackup Backup, DumpScript? Script)
{
    /// <summary>A backup as results show it: a foreign dump has no manifest, and what was fetched will be gone.</summary>
    internal static PgBackup Shown(PgBackup backup) => backup with { FetchedTo = null, Manifest = backup.Foreign ? null : backup.Manifest };

    /// <summary>Tests the backup.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="binPath">Folder of pg_restore, for its table of contents.</param>
    /// <param name="sink">Receives progress and log lines.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <exception cref="PgOpsException">PathNotFound or PathInaccessible.</exception>
    internal static async Task<BackupProof> TakeAsync(
        PgBackup backup, string? binPath, IOperationSink sink, CancellationToken cancellationToken)
    {
        var (test, script) = await TestBackup.TestAsync(
            new TestBackupRequest { Path = backup.Folder, BinPath = binPath }, sink, cancellationToken).ConfigureAwait(false);
        var read = test.Backup with
        {
            Path = backup.Path,
            FetchedTo = backup.FetchedTo,
            Manifest = test.Backup.Foreign ? (script ?? new DumpScript()).Assume(test.Backup) : test.Backup.Manifest,
            Proven = backup.Proven,
            ProvenAt = backup.ProvenAt,
            ProvenBy = backup.ProvenBy,
            Source = backup.Source,
            Warnings = backup.Warnings,
            Duration = backup.Duration,
        };
        var wrong = test.Checks.Where(check => check.Status == PgCheckStatus.Failed).Select(check => check.Detail).ToList();
        if (wrong.Count == 0 && read.Manifest is null)
        {
            wrong.Add("the manifest cannot be read" + (read.Problem is null ? "" : ": " + read.Problem));
        }

        if (wrong.Count == 0 && backup.Id.Length > 0 && backup.Id != read.Id)
        {
            wrong.Add($"the folder holds the backup {read.Id}, not {backup.Id}");
        }

        if (read.Foreign && wrong.Count == 0)
        {
            var compared = test.Checks.First(one => one.Name == "hashes");
            return new BackupProof(compared with { Duration = test.Duration }, read, script);
        }

        var check = test.Passed && wrong.Count == 0
            ? PgCheck.Pass("hashes", string.Create(CultureInfo.InvariantCulture, $"{test.Files} files, {test.Bytes:N0} bytes, as recorded"))
            : PgCheck.Fail("hashes", wrong.Count > 0 ? string.Join("; ", wrong) : "nothing could be checked");
        return new BackupProof(check with { Duration = test.Duration }, read, script);
    }
}
