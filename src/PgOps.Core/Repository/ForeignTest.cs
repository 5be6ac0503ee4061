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
                ? PgCheck.Pass(PgCheckName.Files, $"{backup.Format}, {PgSize.Format(backup.Bytes)}{Origin(request.Packed)}")
                : PgCheck.Fail(PgCheckName.Files, $"{backup.Path}: {backup.Problem}."),
            await ForeignHash.CheckAsync(request.Packed ?? backup, progress, cancellationToken).ConfigureAwait(false),
            PgCheck.Skip(PgCheckName.Manifest, "PgOps did not make this dump: nothing says what the database was"),
        };
        if (backup.Format.Length == 0)
        {
            return new ForeignTest([.. checks, PgCheck.Skip(PgCheckName.TableOfContents, "It is not a dump.")], null);
        }

        var (contents, script) = DumpFormat.IsScript(backup.Format)
            ? await ReadScriptAsync(backup, progress, cancellationToken).ConfigureAwait(false)
            : await ReadArchiveAsync(backup, request, progress, cancellationToken).ConfigureAwait(false);
        return new ForeignTest([.. checks, contents], script);
    }

    private static string Origin(PgBackup? packed)
        => packed is null ? "" : $", unpacked from {packed.Format}, {PgSize.Format(packed.Bytes)}";

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

        var remark = (script.Obstacle is null ? "" : $"; cannot be restored by PgOps: {script.Obstacle}")
            + (ScriptFile.IsWide(backup.Path) ? $"; {Widened}" : "");
        var content = $"{PgAmount.Of(bytes, "byte")} of script, {PgAmount.Of(script.TableCount, "table")} with rows";
        return script switch
        {
            { HasHead: true, HasEnd: false } => (PgCheck.Fail(
                PgCheckName.TableOfContents, $"the end of a dump is missing (\"-- {DumpMarks.End}\")"), null),
            { BreaksOff: true } => (PgCheck.Fail(
                PgCheckName.TableOfContents, $"the script breaks off inside a literal, a comment or a table's rows ({content})"), null),
            { HasHead: true } => (PgCheck.Pass(PgCheckName.TableOfContents, $"{content}, with its beginning and its end{remark}"), script),
            _ => (PgCheck.Skip(PgCheckName.TableOfContents, $"{content}; {Unmarked(backup)}{remark}"), script),
        };
    }

    private const string Widened = "it is in UTF-16, as Windows PowerShell's > writes it, which may have changed letters outside ASCII: "
        + "pg_dump --file keeps them";

    private static string Unmarked(PgBackup backup)
        => "whether it is complete cannot be known, because pg_dump's first lines are not in it. "
            + $"A drill tells whether it runs (Test-PgRestore {CommandText.Argument(backup.Path)}); as a migration, "
            + "Invoke-PgMigration takes it";

    private static async Task<(PgCheck Check, DumpScript? Script)> ReadArchiveAsync(
        PgBackup backup, TestBackupRequest request, ProgressActivity progress, CancellationToken cancellationToken)
    {
        try
        {
            if (backup.Format == "custom")
            {
                ArchiveExtent.RequireCustom(backup.Path);
            }
            else if (backup.Format == "directory")
            {
                await DirectoryExtent.RequireAsync(backup.Path, progress, cancellationToken).ConfigureAwait(false);
            }

            var pgRestore = PostgresBinaries.Client("pg_restore", 0, request.BinPath);
            var contents = await ArchiveContents.ReadAsync(
                pgRestore, backup.Path, Encoding.UTF8, cancellationToken).ConfigureAwait(false);
            var script = new DumpScript();
            var result = await ToolProcess.RunAsync(
                new ToolCommand(pgRestore.Path, "--schema-only", "--create", "--file=-", backup.Path)
                {
                    OnOutput = script.AddLine,
                    Encoding = Encoding.Latin1,
                },
                cancellationToken).ConfigureAwait(false);
            result.EnsureSuccess();
            script.Complete();
            return (PgCheck.Pass(PgCheckName.TableOfContents, string.Create(
                CultureInfo.InvariantCulture,
                $"pg_restore {pgRestore.Version} reads {PgAmount.Of(contents.Entries, "entry")}, "
                    + $"{PgAmount.Of(contents.TableCount, "table")} with rows")), script);
        }
        catch (InvalidDataException error)
        {
            return (PgCheck.Fail(PgCheckName.TableOfContents, $"{backup.Path}: {error.Message}."), null);
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
