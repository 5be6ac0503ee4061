using System.Management.Automation;
using PgOps.Core.Migrations;
using PgOps.Core.Operations;

namespace PgOps.Cmdlets.Migrations;

/// <summary>
/// Brings a database to the newest version of a folder of migrations. One migrator at a time; each migration commits together with
/// its history row; a failure stops the run and leaves a clear record.
/// </summary>
[Cmdlet(VerbsLifecycle.Invoke, "PgMigration", SupportsShouldProcess = true)]
[OutputType(typeof(PgMigrationRun))]
public sealed class InvokePgMigrationCommand : PgMigrationCmdlet
{
    /// <summary>
    /// The passed drill of a fresh backup, from Test-PgRestore: the run is refused when it failed or is of another database, and its
    /// backup is recorded behind each migration.
    /// </summary>
    [Parameter(ValueFromPipeline = true)]
    public PgDrill? ProvenBy { get; set; }

    /// <summary>Stop after this version. Default: apply all.</summary>
    [Parameter]
    [ValidatePattern(@"^[0-9]+(\.[0-9]+)*$")]
    public string? ToVersion { get; set; }

    /// <summary>
    /// After the migrations, run the seeds that are new or changed: seeds/*.sql and *.seed.sql. They may run more than once, so they
    /// must be written for that.
    /// </summary>
    [Parameter]
    public SwitchParameter Seed { get; set; }

    /// <summary>Record the folder's migrations (up to -ToVersion) as already present and run none: how a database is adopted.</summary>
    [Parameter]
    public SwitchParameter Baseline { get; set; }

    /// <summary>Also apply files whose version lies below the newest applied one.</summary>
    [Parameter]
    public SwitchParameter AllowOutOfOrder { get; set; }

    /// <summary>Run the migrations on a database that has objects of its own but no history.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Longest wait for another migrator.</summary>
    [Parameter]
    public TimeSpan WaitTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Longest wait for a lock on a table, before a pause and another try. Zero waits without limit.</summary>
    [Parameter]
    public TimeSpan LockTimeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>Longest run of one statement. Zero, the default, sets no limit.</summary>
    [Parameter]
    public TimeSpan StatementTimeout { get; set; } = TimeSpan.Zero;

    /// <summary>How often a migration that met a lock timeout or a deadlock is tried again.</summary>
    [Parameter]
    [ValidateRange(0, 1000)]
    public int LockRetries { get; set; } = 5;

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var request = default(MigrationRequest);
        if (!Run((_, _) => Task.FromResult(request = Complete(Request()))))
        {
            return;
        }

        if (WhatIfRequested)
        {
            Preview((sink, token) => PlanAsync(request!, sink, token));
        }
        else if (ShouldProcess($"{request!.Target}", $"{(Baseline ? "Record as baseline" : "Apply")} the migrations of {request.Path}"))
        {
            RunAndWrite((sink, token) => new InvokeMigrations().RunAsync(request, sink, token));
        }
    }

    private MigrationRequest Complete(MigrationRequest request) => request with
    {
        ToVersion = ToVersion,
        Seed = Seed,
        Baseline = Baseline,
        AllowOutOfOrder = AllowOutOfOrder,
        Force = Force,
        WaitTimeout = WaitTimeout,
        LockTimeout = LockTimeout,
        StatementTimeout = StatementTimeout,
        LockRetries = LockRetries,
        Proof = ProvenBy,
    };

    private static async Task<IReadOnlyList<string>> PlanAsync(MigrationRequest request, IOperationSink sink, CancellationToken token)
    {
        var plan = await new PreviewMigrations().RunAsync(request, sink, token).ConfigureAwait(false);
        return plan.Count == 0 ? [$"Nothing is pending for {request.Target}."] : plan.Select(planned => planned.Description).ToList();
    }
}
