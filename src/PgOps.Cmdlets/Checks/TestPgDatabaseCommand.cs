using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Checks;
using PgOps.Core.Checks.User;
using PgOps.Core.Common.Operations;

namespace PgOps.Cmdlets.Checks;

/// <summary>
/// Tests databases after a migration or a restore: are the expected tables, columns and policies there; is an index invalid, a
/// constraint unvalidated, a sequence or the transaction ids near their end, a table without key or policy, a collation of another
/// version. Then come the user's own checks. It changes nothing.
/// </summary>
[Cmdlet(VerbsDiagnostic.Test, "PgDatabase")]
[OutputType(typeof(PgDatabaseTest))]
public sealed class TestPgDatabaseCommand : PgFleetCmdlet
{
    private IReadOnlyList<UserCheck> _checks = [];

    /// <summary>
    /// A backup whose tables, views, columns and policies must all be there: its folder or URI, or the object of Backup-PgDatabase or
    /// Get-PgBackup. The objects of Restore-PgDatabase and Test-PgRestore bring theirs along. What came since is nobody's fault.
    /// </summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Alias("Backup")]
    [ManifestTransformation]
    public PgBackupManifest? Manifest { get; set; }

    /// <summary>A JSON file that says which tables, columns and policies must be there; docs/expectations.md describes it.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Expectations { get; set; }

    /// <summary>Looks for these kinds alone.</summary>
    [Parameter]
    public PgFindingKind[] Only { get; set; } = [];

    /// <summary>Does not look for these kinds; the result names them in LeftOut.</summary>
    [Parameter]
    public PgFindingKind[] Skip { get; set; } = [];

    /// <summary>Takes every finding of these kinds for an error, which fails the test.</summary>
    [Parameter]
    public PgFindingKind[] AsError { get; set; } = [];

    /// <summary>Takes every finding of these kinds for a warning, which fails no test.</summary>
    [Parameter]
    public PgFindingKind[] AsWarning { get; set; } = [];

    /// <summary>
    /// Checks of your own, made after all others: SQL files, folders and patterns of them, in which each SELECT asks for what is wrong
    /// and must give no row; script blocks, which get the target as argument and fail by an error or by $false; http and https URLs,
    /// which must answer 200 to 299 and may hold {host}, {port}, {database}, {user}; tables of Uri, Method, Headers, Body, ExpectStatus,
    /// ExpectJson and Save, and lists of them (docs/checks.md); and @{ name = one of these }.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public object[]? Check { get; set; }

    /// <summary>The time that each of these checks may take, for example 90s or 5min. Default: one minute.</summary>
    [Parameter]
    [TimeSpanAmount]
    public TimeSpan CheckTimeout { get; set; } = UserChecks.DefaultTimeout;

    /// <summary>Per cent of its numbers that a sequence may use, or fill of its column, before it is a warning. Default: 75.</summary>
    [Parameter]
    [ValidateRange(0.0, 100.0)]
    public double SequenceWarning { get; set; } = DatabaseThresholds.Default.SequenceWarning;

    /// <summary>The same, before it is an error. Default: 90.</summary>
    [Parameter]
    [ValidateRange(0.0, 100.0)]
    public double SequenceError { get; set; } = DatabaseThresholds.Default.SequenceError;

    /// <summary>Per cent of the 2^31 transaction ids, or multixact ids, in use before it is a warning. Default: 50.</summary>
    [Parameter]
    [ValidateRange(0.0, 100.0)]
    public double WraparoundWarning { get; set; } = DatabaseThresholds.Default.WraparoundWarning;

    /// <summary>The same, before it is an error. Default: 75.</summary>
    [Parameter]
    [ValidateRange(0.0, 100.0)]
    public double WraparoundError { get; set; } = DatabaseThresholds.Default.WraparoundError;

    /// <summary>
    /// How long the server must have counted reads before an index counts as unused, for example 7d; 0d takes any. Default: 30 days.
    /// </summary>
    [Parameter]
    [TimeSpanAmount(Unit = "d", Zero = true)]
    public TimeSpan UnusedIndexAge { get; set; } = DatabaseThresholds.Default.UnusedIndexAge;

    /// <summary>The size from which on an unused index is worth a warning, for example 100MB; 0B takes any. Default: 1 MB.</summary>
    [Parameter]
    [SizeAmount]
    [ValidateRange(0L, long.MaxValue)]
    public long UnusedIndexSize { get; set; } = DatabaseThresholds.Default.UnusedIndexSize;

    /// <summary>Makes a failed check an error, so that a runbook turns red.</summary>
    [Parameter]
    public SwitchParameter Strict { get; set; }

    private protected override string Activity => "Testing databases";

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        _checks = UserCheckParameter.Read(this, OnPipelineAsync, Check);
    }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        List<FleetTask> tasks = [];
        if (Understand(
            () => tasks = ResolveTargets().ConvertAll(target => new FleetTask(target.ToString(), target, TestAsync(Request(target))))))
        {
            Begin(tasks);
        }
    }

    private Func<IOperationSink, CancellationToken, Task<object?>> TestAsync(TestDatabaseRequest request) => async (sink, token) =>
    {
        (Strict ? new StrictSink(sink) : sink).Output(await new TestDatabase().RunAsync(request, sink, token).ConfigureAwait(false));
        return null;
    };

    private TestDatabaseRequest Request(PgTarget target) => new()
    {
        Target = target,
        Manifest = Manifest,
        Expectations = Expectations is null ? null : FullPath(Expectations),
        Only = Only,
        Skip = Skip,
        AsError = AsError,
        AsWarning = AsWarning,
        Checks = _checks,
        CheckTimeout = CheckTimeout,
        Thresholds = new DatabaseThresholds
        {
            SequenceWarning = SequenceWarning,
            SequenceError = SequenceError,
            WraparoundWarning = WraparoundWarning,
            WraparoundError = WraparoundError,
            UnusedIndexAge = UnusedIndexAge,
            UnusedIndexSize = UnusedIndexSize,
        },
    };
}
