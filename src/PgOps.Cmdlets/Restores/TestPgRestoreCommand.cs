using System.Collections;
using System.Management.Automation;
using PgOps.Cmdlets.Checks;
using PgOps.Cmdlets.Migrations;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Checks.User;
using PgOps.Core.Common.Operations;
using PgOps.Core.Drills;

namespace PgOps.Cmdlets.Restores;

/// <summary>
/// The restore drill: restores each backup into a sandbox, compares every table's count and content with the backup's manifest,
/// measures the time to recover, cleans up, and enters the result in the ledger beside the backups. This is what makes a backup
/// proven.
/// </summary>
[Cmdlet(VerbsDiagnostic.Test, "PgRestore")]
[OutputType(typeof(PgDrill))]
public sealed class TestPgRestoreCommand : PgPayloadCmdlet
{
    private readonly List<FleetTask> _collected = [];
    private bool _several;
    private IReadOnlyList<UserCheck> _checks = [];

    /// <summary>
    /// The backups, each its folder, its URI in a store, a foreign dump, or the object of Backup-PgDatabase or Get-PgBackup.
    /// </summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [Alias("Path")]
    [BackupTransformation(Many = true)]
    public PgBackup[] Backup { get; set; } = [];

    /// <summary>A server to drill on, in a scratch database, instead of a sandbox.</summary>
    [Parameter]
    [TargetTransformation]
    public PgTarget? Target { get; set; }

    /// <summary>User name and password to log in to that server with, instead of the target's own.</summary>
    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>
    /// Major version of the sandbox; not with -Target. Default: the source's, or the nearest newer one that is installed.
    /// </summary>
    [Parameter]
    [ValidateRange(13, 99)]
    public int? ServerVersion { get; set; }

    /// <summary>
    /// Folder for the sandbox's files, which take as much room as the database. Default: where Start-PgSandbox puts sandboxes.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? SandboxPath { get; set; }

    /// <summary>
    /// Settings for the sandbox's postgresql.conf, such as <c>@{ shared_preload_libraries = 'pg_cron' }</c>; not with -Target. A sandbox
    /// that loads pg_cron has it in the copy, and runs no job.
    /// </summary>
    [Parameter]
    [ValidateNotNull]
    public Hashtable? SandboxSetting { get; set; }

    /// <summary>
    /// Extensions to leave out, with the rows of their own tables. An object that needs one fails the drill; the backup is not proven.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] SkipExtension { get; set; } = [];

    /// <summary>Parallel sessions of each drill. Default: the processors, at most 8, divided among the drills that run at a time.</summary>
    [Parameter]
    [ValidateRange(1, 64)]
    public int? Jobs { get; set; }

    /// <summary>
    /// How many backups are drilled at a time. 1, the default, takes each as it comes down the pipeline, and is what a recovery time is
    /// measured with: drills side by side slow each other down.
    /// </summary>
    [Parameter]
    [ValidateRange(1, 64)]
    public int ThrottleLimit { get; set; } = 1;

    /// <summary>
    /// Fails the drill at the step recovery-time when it took longer to get from the first byte of the backup to a verified, analysed
    /// database, for example 90min.
    /// </summary>
    [Parameter]
    [TimeSpanAmount(Unit = "min")]
    public TimeSpan? MaxRecoveryTime { get; set; }

    /// <summary>
    /// Fails the drill at the step data-age when the backup's snapshot was older as the drill began, for example 26h: that work would be
    /// lost.
    /// </summary>
    [Parameter]
    [TimeSpanAmount(Unit = "h")]
    public TimeSpan? MaxDataLoss { get; set; }

    /// <summary>How thoroughly the step amcheck looks at the copy's B-tree indexes.</summary>
    [Parameter]
    public PgIndexCheck IndexCheck { get; set; } = PgIndexCheck.Quick;

    /// <summary>
    /// Checks of your own, made on the restored copy: SQL files, folders and patterns of them, in which each SELECT asks for what is
    /// wrong and must give no row; script blocks, which get the copy as argument and fail by an error or by $false; http and https
    /// URLs, which must answer 200 to 299 and may hold {host}, {port}, {database}, {user}; tables of Uri, Method, Headers, Body,
    /// ExpectStatus, ExpectJson and Save, and lists of them (docs/checks.md); and @{ name = one of these }.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public object[]? Check { get; set; }

    /// <summary>The time that each of these checks may take, for example 90s or 5min. Default: one minute.</summary>
    [Parameter]
    [TimeSpanAmount]
    public TimeSpan CheckTimeout { get; set; } = UserChecks.DefaultTimeout;

    /// <summary>
    /// A folder of migrations: those that are pending are applied to the restored copy, when it equals the backup. The step is rehearsal.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Rehearse { get; set; }

    /// <summary>Schema of the history table, for -Rehearse.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string HistorySchema { get; set; } = "pgops";

    /// <summary>
    /// Values for the placeholders ${name} in the scripts of -Rehearse; a SecureString is one that never shows. A placeholder without a
    /// value is an error.
    /// </summary>
    [Parameter]
    [ValidateNotNull]
    public Hashtable? Variable { get; set; }

    /// <summary>Names in -Variable whose values show nowhere: not in a plan, an error, a log or the history.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[]? SecretVariable { get; set; }

    /// <summary>The scripts of -Rehearse hold no placeholders: ${name} is text in them.</summary>
    [Parameter]
    public SwitchParameter NoVariables { get; set; }

    /// <summary>Also replaces placeholders inside dollar quotes, where function bodies are.</summary>
    [Parameter]
    public SwitchParameter VariableInDollarQuotes { get; set; }

    /// <summary>Makes a failed drill an error, so that a runbook turns red.</summary>
    [Parameter]
    public SwitchParameter Strict { get; set; }

    /// <summary>The folder with PostgreSQL's programs. Default: looked for.</summary>
    [Parameter]
    public string? BinPath { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        _checks = UserCheckParameter.Read(this, OnPipelineAsync, Check);
    }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var tasks = new List<FleetTask>();
        if (!Understand(() => tasks.AddRange(Backup.Select(backup => TaskOf(backup, Request(backup))))))
        {
            return;
        }

        _several |= tasks.Count > 1;
        if (ThrottleLimit > 1)
        {
            _collected.AddRange(tasks);
        }
        else
        {
            Drill(tasks, _several);
            _several = true;
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        if (_collected.Count > 0)
        {
            Drill(_collected, null);
        }
    }

    private static FleetTask TaskOf(PgBackup backup, TestRestoreRequest request) => new(
        $"{backup}", backup, async (sink, token) => await new TestRestore().RunAsync(request, sink, token).ConfigureAwait(false));

    private void Drill(IReadOnlyList<FleetTask> tasks, bool? named)
    {
        var fleet = new FleetRun { Activity = "Drilling", Noun = "backups", ThrottleLimit = ThrottleLimit, Named = named };
        Run((sink, token) => fleet.RunAsync(tasks, Strict ? new StrictSink(sink) : sink, token));
    }

    private TestRestoreRequest Request(PgBackup backup) => new()
    {
        Backup = backup,
        Server = Target is null ? null : Credentials.Apply(Target, Credential),
        ServerVersion = ServerVersion,
        SandboxPath = SandboxPath is null ? null : FullPath(SandboxPath),
        SandboxSettings = SandboxSetting?.Cast<DictionaryEntry>()
            .ToDictionary(entry => $"{entry.Key}", entry => $"{entry.Value}", StringComparer.OrdinalIgnoreCase) ?? [],
        SkipExtension = SkipExtension,
        Jobs = Jobs ?? (ThrottleLimit == 1 ? null : Math.Max(1, Math.Min(Environment.ProcessorCount, 8) / ThrottleLimit)),
        BinPath = BinPath is null ? null : FullPath(BinPath),
        Key = Key(),
        Identity = IdentityPath,
        IndexCheck = IndexCheck,
        Checks = _checks,
        CheckTimeout = CheckTimeout,
        MaxRecoveryTime = MaxRecoveryTime,
        MaxDataLoss = MaxDataLoss,
        Rehearse = Rehearse is null ? null : new RehearsalRequest
        {
            Path = FullPath(Rehearse),
            HistorySchema = HistorySchema,
            Variables = VariableTable.Read(Variable, VariableInDollarQuotes, SecretVariable, NoVariables),
        },
    };
}
