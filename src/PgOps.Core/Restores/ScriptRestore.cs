using System.Globalization;
using PgOps.Core.Common.Operations;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Repository;
using PgOps.Core.Repository.Archives;

namespace PgOps.Core.Restores;

/// <summary>
/// One run of psql over a plain dump, unpacked on the way. It stops at the first error, in one transaction where the script fits into
/// one, and a warning counts as an error.
/// </summary>
internal static class ScriptRestore
{
    private const int MostLinesQuoted = 24;

    // The minor releases that brought psql's \restrict (https://www.postgresql.org/support/security/CVE-2025-8714/).
    private static readonly Dictionary<int, int> RestrictSince = new() { [13] = 22, [14] = 19, [15] = 14, [16] = 10, [17] = 6 };

    /// <summary>Refuses a script that would lead psql elsewhere, and options that only an archive can have.</summary>
    /// <param name="proof">The backup, tested.</param>
    /// <param name="changes">The parameters that ask for another text than the script's.</param>
    /// <exception cref="PgOpsException">RestoreFailed or InvalidArgument.</exception>
    internal static void RefuseUnlessFit(BackupProof proof, params IReadOnlyList<string> changes)
    {
        if (!DumpFormat.IsScript(proof.Backup.Manifest!.Payload.Format))
        {
            return;
        }

        if (proof.Script?.Obstacle is { } obstacle)
        {
            throw new PgOpsException(
                PgErrorCode.RestoreFailed,
                $"{proof.Backup} cannot be restored under a name of your choice: {obstacle}.",
                "Nothing was restored.",
                "Dump a single database without --create, or look at the script, take these lines out, and restore that.")
            { Subject = proof.Backup };
        }

        if (changes.Count > 0)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"{proof.Backup} is a script, restored as it stands: {string.Join(", ", changes)} cannot change it.",
                "Nothing was restored.",
                "Leave the parameters out (-CreateRoles creates the roles that it names), "
                    + "or take the backup in custom or directory format.");
        }
    }

    /// <summary>Restores a script into an empty database.</summary>
    /// <param name="backup">The backup; its manifest must be there.</param>
    /// <param name="target">The database.</param>
    /// <param name="options">How; the tool is psql.</param>
    /// <param name="sink">Receives progress.</param>
    /// <param name="cancellationToken">Ends psql, and waits for it.</param>
    /// <returns>A passed check.</returns>
    /// <exception cref="PgOpsException">RestoreFailed, quoting what psql said.</exception>
    internal static async Task<PgCheck> RunAsync(
        PgBackup backup, PgTarget target, ArchiveRestoreOptions options, IOperationSink sink, CancellationToken cancellationToken)
    {
        var path = Path.Combine(backup.Folder, backup.Manifest!.Payload.Path);
        var together = options.Script is { FitsOneTransaction: true };
        using var progress = new ProgressActivity(sink, $"Restoring {backup.Database}");
        var messages = new PsqlMessages();
        var stream = new ScriptStream(ScriptFile.Open(path), Prelude(options), hideUnknown: options.ServerMajor < 17, progress);
        await using (stream.ConfigureAwait(false))
        {
            List<string> arguments = ["--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--file=-"];
            if (together)
            {
                arguments.Add("--single-transaction");
            }

            var result = await ToolProcess.RunAsync(
                new ToolCommand(options.Tool.Path, [.. arguments]) { Target = target, Input = stream, OnError = messages.Read },
                cancellationToken).ConfigureAwait(false);
            ServerDisk.RefuseFull(messages.Quoted, target);
            return result.ExitCode == 0 && messages.Quoted.Count == 0
                ? PgCheck.Pass(
                    PgCheckName.Restore, $"psql {options.Tool.Version}{(together ? ", one transaction" : "")}, no warning and no error")
                : throw new PgOpsException(
                    PgErrorCode.RestoreFailed,
                    $"psql did not restore {backup} cleanly (exit code {result.ExitCode.ToString(CultureInfo.InvariantCulture)}):\n"
                        + string.Join('\n', InternalOptions.Explained(
                            messages.Quoted.Count > 0 ? messages.Quoted : [.. result.Errors.TakeLast(MostLinesQuoted)])
                            .Select(line => "  " + line)),
                    "Nothing was put in place.",
                    "Remove the cause, then run the command again.")
                { Subject = backup };
        }
    }

    /// <summary>
    /// Keeps psql from obeying commands inside the script where it knows how to be kept, and the script does not do so itself. What was
    /// read before found none; this holds also when the file changes in between. A backup of PgOps' own is pg_dump's text, byte for byte.
    /// </summary>
    private static string Prelude(ArchiveRestoreOptions options)
    {
        var knows = options.Tool.Major > 17
            || (RestrictSince.TryGetValue(options.Tool.Major, out var since)
                && Version.TryParse(options.Tool.Version, out var version) && version.Minor >= since);
        return knows && options.Script is { IsRestricted: false } ? $"\\restrict {Guid.NewGuid():N}\n" : "";
    }
}
