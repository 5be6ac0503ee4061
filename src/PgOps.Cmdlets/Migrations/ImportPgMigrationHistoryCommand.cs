using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Common.Operations;
using PgOps.Core.Migrations;
using PgOps.Core.Migrations.Adoption;

namespace PgOps.Cmdlets.Migrations;

/// <summary>
/// Takes over from another migration tool: compares every migration that it has applied with the folder's file, by the tool's own
/// checksum, and records them as present. Runs none, and changes nothing of the other tool's,
/// unless both are to go on side by side.
/// </summary>
[Cmdlet(VerbsData.Import, "PgMigrationHistory", SupportsShouldProcess = true)]
[OutputType(typeof(PgMigrationRun))]
public sealed class ImportPgMigrationHistoryCommand : PgMigrationCmdlet
{
    /// <summary>The tool. Default: the one whose table is found.</summary>
    [Parameter]
    public PgMigrationTool? From { get; set; }

    /// <summary>The tool's table, as name or schema.name, where the tool was told to use another than its usual one.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? HistoryTable { get; set; }

    /// <summary>Import migrations too whose files differ from what the tool applied. Their rows in the history say so.</summary>
    [Parameter]
    public SwitchParameter AcceptChange { get; set; }

    /// <summary>
    /// Versions (or names, where the tool goes by names) of applied migrations that are recorded on the tool's word alone: their files
    /// are gone, or are programs. -Reason says why.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] Skip { get; set; } = [];

    /// <summary>Why migrations are skipped. Their rows in the history say so.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Reason { get; set; }

    /// <summary>
    /// Schemas, by name or by pattern (<c>tenant_*</c>), that have a history of their own each: the tool's, and then PgOps'.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[]? Schema { get; set; }

    /// <summary>
    /// Lets PgOps and the tool go on side by side: every run of PgOps first takes in what the tool did meanwhile, and keeps the tool's
    /// table as the tool would, in the same transaction as its own history. Without it PgOps goes on alone, and refuses to run when the
    /// tool's table has changed since. For Prisma, Flyway, dbmate, golang-migrate, goose, sqlx, Diesel and
    /// node-pg-migrate.
    /// </summary>
    [Parameter]
    public SwitchParameter Beside { get; set; }

    /// <summary>
    /// Takes in what the tool did since an earlier import. With -Beside both go on from here, with -Beside:$false PgOps goes on alone;
    /// with neither it stays as it was.
    /// </summary>
    [Parameter]
    public SwitchParameter Update { get; set; }

    /// <summary>
    /// Longest wait for another migrator, PgOps or the other tool, for example 10min; 0s does not wait. Default: 5 minutes.
    /// </summary>
    [Parameter]
    [TimeSpanAmount(Zero = true)]
    public TimeSpan WaitTimeout { get; set; } = TimeSpan.FromMinutes(5);

    private protected override string[]? Schemas => Schema;

    private protected override string Activity => $"Importing histories ({Path})";

    private protected override MigrationRequest Complete(MigrationRequest request) => request with { WaitTimeout = WaitTimeout };

    private protected override IEnumerable<FleetTask> Decide(MigrationRequest request)
    {
        var import = new ImportRequest
        {
            Migrations = request,
            From = From,
            Table = HistoryTable,
            AcceptChange = AcceptChange,
            Skip = Skip,
            SkipReason = Reason,
            Update = Update,
            Beside = MyInvocation.BoundParameters.ContainsKey(nameof(Beside)) ? Beside.IsPresent : null,
        };
        return Ask(
            request,
            $"Import the history of {From?.ToString() ?? "another migration tool"}",
            (sink, token) => new ImportHistory().PreviewAsync(import, sink, token),
            async (sink, token) => await new ImportHistory().RunAsync(import, sink, token).ConfigureAwait(false));
    }
}
