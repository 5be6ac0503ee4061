using System.Globalization;
using PgOps.Core.Common.Operations;
using System.Text;
using PgOps.Core.Common.Text;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Repository.Archives;

namespace PgOps.Core.Repository;

/// <summary>The checks of a foreign dump.</summary>
/// <param name="Checks">The checks, named as those of a backup are.</param>
/// <param name="Script">What it says about itself; null when it could not be read.</param>
internal sealed record ForeignTest(IReadOnlyList<PgCheck> Checks, DumpScript? Script)
{
    /// <summary>Reads and judges it. A script is read to its end; of an archive pg_restore reads the table of contents.</summary>
    internal static async Task<ForeignTest> RunAsync(
        PgBackup backup, TestBackupRequest request, ProgressActivity progress, CancellationToken cancellationToken)
    {
        var checks = new List<PgCheck>
        {
            backup.Problem is null
                ? PgCheck.Pass(PgCheckName.Files, $"{backup.Format}, {PgSize.Format(backup.Bytes)}")
                : PgCheck.Fail(PgCheckName.Files, $"{backup.Path}: {backup.Problem}."),
            await ForeignHash.CheckAsync(backup, progress, cancellationToken).ConfigureAwait(false),
            PgCheck.Skip(PgCheckName.Manifest, "PgOps did not make this dump: nothing says what the database was"),
        };
        if (backup.Format.Length == 0)
        {
            return new ForeignTest([.. checks, PgCheck.Skip(PgCheckName.TableOfContents, "It is not a dump.")], null);
        }

        var (contents, script) = ForeignDump.IsScript(backup.Format)
            ? await ReadScriptAsync(backup, progress, cancellationToken).ConfigureAwait(false)
            : await ReadArchiveAsync(backup, request, cancellationToken).ConfigureAwait(false);
        return new ForeignTest([.. checks, contents], script);
    }

    /// <summary>Reads a script to its end, which unpacks it too.</summary>
    private static async Task<(PgCheck Check, DumpScript? Script)> ReadScriptAsync(
        PgBackup backup, ProgressActivity progress, CancellationToken cancellationToken)
    {
        var script = new DumpScript();
        long bytes;
        try
        {
            bytes = await ScriptFile.ReadAsync(
                backup.Path,
                (block, read) =>
                {
                    script.Add(block.Span);
                    progress.Report($"{PgSize.Format(read)} of the script");
                },
                cancellationToken).ConfigureAwait(false);
            script.Complete();
        }
        catch (InvalidDataException error)
        {
            return (PgCheck.Fail(PgCheckName.TableOfContents, $"It does not unpack: {error.Message}"), null);
        }

        if (!script.HasHead || !script.HasEnd)
        {
            return (PgCheck.Fail(
                PgCheckName.TableOfContents,
                script.HasHead
                    ? $"the end of a dump is missing (\"-- {DumpMarks.End}\")"
                    : $"the beginning of a dump is missing (\"-- {DumpMarks.Head}\")"), null);
        }

        var remark = script.Obstacle is null ? "" : $"; cannot be restored by PgOps: {script.Obstacle}";
        return (PgCheck.Pass(PgCheckName.TableOfContents, string.Create(
            CultureInfo.InvariantCulture,
            $"{bytes:N0} bytes of script with its beginning and its end, {Amount.Of(script.TableCount, "table")} with rows{remark}")), script);
    }

    private static async Task<(PgCheck Check, DumpScript? Script)> ReadArchiveAsync(
        PgBackup backup, TestBackupRequest request, CancellationToken cancellationToken)
    {
        try
        {
            var pgRestore = PostgresBinaries.Client("pg_restore", 0, request.BinPath);
            var contents = await ArchiveContents.ReadAsync(
                pgRestore, backup.Path, Encoding.UTF8, cancellationToken).ConfigureAwait(false);
            var script = new DumpScript();
            var result = await ToolProcess.RunAsync(
                new ToolCommand(pgRestore.Path, "--schema-only", "--create", "--file=-", backup.Path) { OnOutput = script.AddLine },
                cancellationToken).ConfigureAwait(false);
            result.EnsureSuccess();
            script.Complete();
            return (PgCheck.Pass(PgCheckName.TableOfContents, string.Create(
                CultureInfo.InvariantCulture,
                $"pg_restore {pgRestore.Version} reads {contents.Entries} entries, {Amount.Of(contents.TableCount, "table")} with rows")), script);
        }
        catch (PgOpsException error) when (error.Code is PgErrorCode.ToolMissing)
        {
            return (PgCheck.Skip(PgCheckName.TableOfContents, error.InSentences()), null);
        }
        catch (PgOpsException error) when (error.Code == PgErrorCode.ToolFailed)
        {
            return (PgCheck.Fail(PgCheckName.TableOfContents, error.Problem), null);
        }
    }
}
