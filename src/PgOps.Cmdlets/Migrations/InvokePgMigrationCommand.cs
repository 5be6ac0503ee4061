using System.Collections;
using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Migrations;
using PgOps.Core.Operations;

namespace PgOps.Cmdlets.Migrations;

/// <summary>
/// Brings one or many databases, or schemas of one, to the newest version of a folder of migrations. One migrator at a time on each;
/// each migration commits together with its history row; a failure stops that target's run and leaves a clear record.
/// </summary>
[Cmdlet(VerbsLifecycle.Invoke, "PgMigration", SupportsShouldProcess = true)]
[OutputType(typeof(PgMigrationRun))]
public sealed class InvokePgMigrationCommand : PgFleetCmdlet
{
    /// <summary>
    /// The folder with the migrations: <c>001_x.sql</c> or <c>20251015093045_x.sql</c> files, or Prisma's
    /// <c>20251015093045_x/migration.sql</c> folders.
    /// </summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "./migrations";

    /// <summary>Schema of the history table.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string HistorySchema { get; set; } = "pgops";

    /// <summary>Values for the placeholders ${name} in the scripts. Without it, placeholders are left as they are.</summary>
    [Parameter]
    [ValidateNotNull]
    public Hashtable? Variable { get; set; }

    /// <summary>Also replaces placeholders inside dollar quotes, where function bodies are.</summary>
    [Parameter]
    public SwitchParameter VariableInDollarQuotes { get; set; }

    /// <summary>
    /// Schemas of the database, by name or by pattern (<c>tenant_*</c>), that are migrated each for itself: search_path is that schema
    /// alone, and its history table lies in it.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    public string[]? Schema { get; set; }

    /// <summary>Creates a schema that -Schema gives by its full name and that does not exist yet.</summary>
    [Parameter]
    public SwitchParameter CreateSchema { get; set; }

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

    private protected override string Activity => $"Migrating ({Path})";

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        List<PgTarget> targets = [];
        var path = "";
        if (!Run((_, _) =>
            {
                targets = ResolveTargets();
                path = FullPath(Path);
                RequireOneHistory();
                return Task.CompletedTask;
            }))
        {
            return;
        }

        var tasks = new List<FleetTask>();
        foreach (var target in targets)
        {
            var request = Complete(new MigrationRequest { Target = target, Path = path, HistorySchema = HistorySchema });
            if (Schema is null)
            {
                Decide(request, tasks);
            }
            else
            {
                DecideSchemas(request, Schema, tasks);
            }
        }

        Begin(tasks);
    }

    private void DecideSchemas(MigrationRequest request, string[] names, List<FleetTask> tasks)
    {
        IReadOnlyList<PgTarget> schemas = [];
        PgOpsException? failure = null;
        Run(async (sink, token) =>
        {
            try
            {
                schemas = await new FindSchemas().RunAsync(request.Target, names, CreateSchema, sink, token).ConfigureAwait(false);
            }
            catch (PgOpsException error)
            {
                failure = error;
            }
        });
        foreach (var schema in schemas)
        {
            Decide(request.ForSchema(schema), tasks);
        }

        if (failure is not null)
        {
            // It counts among the targets: -StopOnError and -Canary must know of it.
            tasks.Add(new FleetTask($"{request.Target}", request.Target, (_, _) => Task.FromException<object?>(failure)));
        }
    }

    private void Decide(MigrationRequest request, List<FleetTask> tasks)
    {
        if (WhatIfRequested)
        {
            Preview((sink, token) => PlanAsync(request, sink, token));
        }
        else if (ShouldProcess($"{request.Target}", $"{(Baseline ? "Record as baseline" : "Apply")} the migrations of {request.Path}"))
        {
            tasks.Add(new FleetTask(
                $"{request.Target}",
                request.Target,
                async (sink, token) => await new InvokeMigrations().RunAsync(request, sink, token).ConfigureAwait(false)));
        }
    }

    private void RequireOneHistory()
    {
        if (Schema is not null && MyInvocation.BoundParameters.ContainsKey(nameof(HistorySchema)))
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                "-Schema and -HistorySchema exclude each other: each schema holds its own history.",
                "Nothing was touched.",
                "Leave -HistorySchema out.");
        }
    }

    private MigrationRequest Complete(MigrationRequest request) => request with
    {
        ToVersion = ToVersion,
        Seed = Seed,
        Variables = VariableTable.Read(Variable, VariableInDollarQuotes),
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
