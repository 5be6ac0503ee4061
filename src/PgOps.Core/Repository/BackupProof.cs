using System.Globalization;
using PgOps.Core.Common.Operations;
using PgOps.Core.Repository.Archives;
using PgOps.Core.Repository.Encryption;
using PgOps.Core.Repository.Signing;
using PgOps.Core.Repository.Storage;

namespace PgOps.Core.Repository;

/// <summary>The first step of every restore and drill: the backup's files are what its hashes say.</summary>
/// <param name="Check">One check, <c>hashes</c>; skipped only for a foreign dump that has no hash beside it.</param>
/// <param name="Backup">
/// The backup with the whole manifest that was read and hashed just now, whatever the caller's copy said; a foreign dump gets one made up
/// of what it says about itself, for <see cref="Shown"/> to take off again.
/// </param>
/// <param name="Script">What a foreign dump says about itself; null for a backup.</param>
/// <param name="Signature">The check of its signature; null when there is none and none is asked for.</param>
internal sealed record BackupProof(PgCheck Check, PgBackup Backup, DumpScript? Script, PgCheck? Signature)
{
    /// <summary>A backup as results show it: a foreign dump has no manifest, and what was fetched will be gone.</summary>
    internal static PgBackup Shown(PgBackup backup) => backup with { FetchedTo = null, Manifest = backup.Foreign ? null : backup.Manifest };

    /// <summary>Refuses a backup of rows alone: in an empty database there is no table for them.</summary>
    /// <exception cref="PgOpsException">InvalidArgument.</exception>
    internal void RequireDefinitions()
    {
        if (Backup.Manifest is { } manifest && manifest.Payload.Selection.Contains("--data-only"))
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"{Backup} holds rows alone (it was made with -DataOnly), and nothing in it defines their tables.",
                "Nothing was restored.",
                "To put the rows into a database that has the tables: pg_restore --data-only --dbname=<database> "
                    + $"\"{System.IO.Path.Combine(Backup.Path, manifest.Payload.Path)}\". For a restore or a drill back up without -DataOnly.")
            { Subject = Backup };
        }
    }

    /// <summary>Tests the backup.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="request">How to test: the key, the identity, pg_restore's folder; its path is the backup's.</param>
    /// <param name="sink">Receives progress and log lines.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <exception cref="PgOpsException">PathNotFound, PathInaccessible, or DecryptionFailed.</exception>
    internal static async Task<BackupProof> TakeAsync(
        PgBackup backup, TestBackupRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        // What cannot be decrypted is better said now than after all of it was read.
        _ = Decryptor.For(BackupFolder.Read(backup.Folder), request.Identity);
        var (test, script) = await TestBackup.TestAsync(request with { Path = backup.Folder, Title = StoreUri.NameOf(backup.Path) }, sink, cancellationToken).ConfigureAwait(false);
        var signature = test.Checks.SingleOrDefault(check => check.Name == SignatureCheck.Name);
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
        var wrong = test.Checks.Where(check => check != signature && check.Status == PgCheckStatus.Failed).Select(check => check.Detail).ToList();
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
            var compared = test.Checks.First(one => one.Name == PgCheckName.Hashes);
            return new BackupProof(compared with { Duration = test.Duration }, read, script, null);
        }

        if (wrong.Count == 0 && signature?.Status != PgCheckStatus.Failed)
        {
            read = await SealedManifest.OpenAsync(read, request.Identity, cancellationToken).ConfigureAwait(false);
        }

        var check = test.Checks.Count > 0 && wrong.Count == 0
            ? PgCheck.Pass(PgCheckName.Hashes, string.Create(CultureInfo.InvariantCulture, $"{test.Files} files, {test.Bytes:N0} bytes, as recorded"))
            : PgCheck.Fail(PgCheckName.Hashes, wrong.Count > 0 ? string.Join("; ", wrong) : "nothing could be checked");
        return new BackupProof(check with { Duration = test.Duration }, read, script, signature);
    }
}
