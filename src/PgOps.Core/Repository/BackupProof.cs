using PgOps.Core.Repository.Archives;

namespace PgOps.Core.Repository;

/// <summary>
/// What the first step of every restore and drill hands on: whether the backup's files are what its hashes say
/// (<see cref="TestBackup.ProveAsync"/>).
/// </summary>
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
                "To put the rows into a database that has the tables: "
                    + $"pg_restore --data-only --dbname=<database> \"{System.IO.Path.Combine(Backup.Path, manifest.Payload.Path)}\". "
                    + "For a restore or a drill back up without -DataOnly.")
            { Subject = Backup };
        }
    }
}
