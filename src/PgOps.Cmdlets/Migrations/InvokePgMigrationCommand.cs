using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Common.Operations;
using PgOps.Core.Migrations;
using PgOps.Core.Migrations.Running;
using PgOps.Core.Repository;

namespace PgOps.Cmdlets.Migrations;

/// <summary>
/// Brings one or many databases, or schemas of one, to the newest version of a folder of migrations. One migrator at a time on each;
/// each migration commits together with its history row; a failure stops that target's run and leaves a clear record.
/// </summary>
[Cmdlet(VerbsLifecycle.Invoke, "PgMigration", SupportsShouldProcess = true)]
[OutputType(typeof(PgMigrationRun))]
public sealed class InvokePgMigrationCommand : PgMigratorCmdlet
{
    private readonly Dictionary<string, Task> _held = new(StringComparer.Ordinal);

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
    [DrillTransformation]
    public PgDrill? ProvenBy { get; set; }

    /// <summary>The oldest backup that -ProvenBy takes, for example 2h. Default: 1 day.</summary>
    [Parameter]
    [TimeSpanAmount]
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromDays(1);

    /// <summary>
    /// How long the backup of -ProvenBy, which is the undo of these migrations, is held: until then no rule of Remove-PgBackup removes
    /// it. For example 90d; 0s does not hold it. Default: 30 days.
    /// </summary>
    [Parameter]
    [TimeSpanAmount(Unit = "d", Zero = true)]
    public TimeSpan HoldBackup { get; set; } = TimeSpan.FromDays(30);

    /// <summary>Makes an empty folder, and a file without a statement, an error.</summary>
    [Parameter]
    public SwitchParameter Strict { get; set; }

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

    /// <summary>
    /// Record the folder's migrations (up to -ToVersion) as already present and run none: how a database is adopted. Refused where one of
    /// them makes what is not there, unless -ToVersion names the last one.
    /// </summary>
    [Parameter]
    public SwitchParameter Baseline { get; set; }

    /// <summary>Also apply files whose version lies below the newest applied one.</summary>
    [Parameter]
    public SwitchParameter AllowOutOfOrder { get; set; }

    /// <summary>Run the migrations on a database that has objects of its own but no history.</summary>
    [Parameter]
    public SwitchParameter AllowNotEmpty { get; set; }

    private protected override string Activity => $"Migrating ({Path})";

    private protected override string[]? Schemas => Schema;

    private protected override bool MissingSchemaAllowed => CreateSchema;

    private protected override MigrationRequest Complete(MigrationRequest request) => base.Complete(request) with
    {
        ToVersion = ToVersion,
        Seed = Seed,
        Baseline = Baseline,
        AllowOutOfOrder = AllowOutOfOrder,
        AllowNotEmpty = AllowNotEmpty,
        Proof = ProvenBy,
        MaxProofAge = MaxAge,
        Strict = Strict,
    };

    private protected override IEnumerable<FleetTask> Decide(MigrationRequest request) => Ask(
        request,
        $"{(Baseline ? "Record as baseline" : "Apply")} the migrations of {request.Path}",
        async (sink, token) => Lines(
            await new PreviewMigrations().RunAsync(request, sink, token).ConfigureAwait(false),
            $"Nothing is pending for {request.Target}."),
        async (sink, token) => await new InvokeMigrations().RunAsync(
            ProvenBy is { } proof && HoldBackup > TimeSpan.Zero
                ? request with { BeforeFirst = _ => HoldAsync(proof.Backup, request, sink, token) }
                : request,
            sink,
            token).ConfigureAwait(false));

    /// <summary>Holds the backup once, however many targets it stands behind.</summary>
    private async Task HoldAsync(
        PgBackup backup, MigrationRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        Task held;
        lock (_held)
        {
            if (!_held.TryGetValue(backup.Id, out held!) || held is { IsCompleted: true, IsCompletedSuccessfully: false })
            {
                _held[backup.Id] = held = new HoldBackup().RunAsync(
                    new HoldBackupRequest
                    {
                        Backup = backup,
                        Until = HoldBackup < DateTime.MaxValue - DateTime.UtcNow ? DateTime.UtcNow + HoldBackup : DateTime.MaxValue,
                        Reason = $"undo of {request.Path} on {request.Target}",
                    },
                    sink,
                    cancellationToken);
            }
        }

        try
        {
            await held.ConfigureAwait(false);
        }
        catch (PgOpsException error)
        {
            throw error.InState(
                "Nothing was migrated.",
                nextStep: $"{error.NextStep} Or give -HoldBackup 0s, and see yourself that the backup stays.".TrimStart());
        }
    }
}
