using System.Management.Automation;
using PgOps.Core.Common.Operations;
using PgOps.Core.Migrations;
using PgOps.Core.Migrations.Running;

namespace PgOps.Cmdlets.Migrations;

/// <summary>Puts a person's word about a migration into the history, always with a reason. Runs nothing of the migration itself.</summary>
[Cmdlet(
    VerbsDiagnostic.Repair,
    "PgMigration",
    DefaultParameterSetName = NoRepair,
    SupportsShouldProcess = true,
    ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(PgMigration))]
public sealed class RepairPgMigrationCommand : PgMigrationCmdlet
{
    private const string NoRepair = "NoRepair";

    /// <summary>The migration.</summary>
    [Parameter(ParameterSetName = NoRepair, ValueFromPipelineByPropertyName = true)]
    [Parameter(Mandatory = true, ParameterSetName = nameof(MarkApplied), ValueFromPipelineByPropertyName = true)]
    [Parameter(Mandatory = true, ParameterSetName = nameof(MarkNotApplied), ValueFromPipelineByPropertyName = true)]
    [Parameter(Mandatory = true, ParameterSetName = nameof(AcceptChange), ValueFromPipelineByPropertyName = true)]
    [Parameter(Mandatory = true, ParameterSetName = nameof(MarkStatementDone), ValueFromPipelineByPropertyName = true)]
    [Parameter(Mandatory = true, ParameterSetName = nameof(MarkStatementNotDone), ValueFromPipelineByPropertyName = true)]
    [ValidatePattern(@"^([0-9]+(\.[0-9]+)*|[RS]__.+)$")]
    public string? Version { get; set; }

    /// <summary>Its effect is in the database: it will not be run.</summary>
    [Parameter(Mandatory = true, ParameterSetName = nameof(MarkApplied))]
    public SwitchParameter MarkApplied { get; set; }

    /// <summary>Its effect is not in the database: it is pending again, or forgotten when its file is gone.</summary>
    [Parameter(Mandatory = true, ParameterSetName = nameof(MarkNotApplied))]
    public SwitchParameter MarkNotApplied { get; set; }

    /// <summary>The file as it is now stands for what was applied.</summary>
    [Parameter(Mandatory = true, ParameterSetName = nameof(AcceptChange))]
    public SwitchParameter AcceptChange { get; set; }

    /// <summary>The statement that ran when the migration was interrupted came to its end.</summary>
    [Parameter(Mandatory = true, ParameterSetName = nameof(MarkStatementDone))]
    public SwitchParameter MarkStatementDone { get; set; }

    /// <summary>The statement that ran when the migration was interrupted left nothing behind.</summary>
    [Parameter(Mandatory = true, ParameterSetName = nameof(MarkStatementNotDone))]
    public SwitchParameter MarkStatementNotDone { get; set; }

    /// <summary>The history as it is now is right, though its hashes do not hold: chain them again.</summary>
    [Parameter(Mandatory = true, ParameterSetName = nameof(Reseal))]
    public SwitchParameter Reseal { get; set; }

    /// <summary>Why. It is recorded.</summary>
    [Parameter(Mandatory = true)]
    [ValidateNotNullOrEmpty]
    public string Reason { get; set; } = "";

    /// <summary>A schema of the database that is migrated for itself and holds its own history.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Schema { get; set; }

    private protected override string Activity => $"Repairing ({Path})";

    private protected override string[]? Schemas => Schema is null ? null : [Schema];

    private protected override MigrationRequest Complete(MigrationRequest request)
    {
        if (ParameterSetName == NoRepair)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                "What is to be recorded was not said.",
                "Nothing was touched.",
                "Give one of -MarkApplied, -MarkNotApplied, -AcceptChange, -MarkStatementDone, -MarkStatementNotDone, -Reseal.");
        }

        return Schema?.AsSpan().IndexOfAny('*', '?') >= 0
            ? throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"'{Schema}' is a pattern, but a person's word is about one history.",
                "Nothing was touched.",
                "Give one schema by its name.")
            : request;
    }

    private protected override IEnumerable<FleetTask> Decide(MigrationRequest request)
    {
        var (version, repair, reason) = (Version, Enum.Parse<MigrationRepair>(ParameterSetName), Reason);
        return ShouldProcess($"{request.Target}", $"{ParameterSetName} {version}".TrimEnd())
            ? [TaskOf(request, async (sink, token) =>
                {
                    await new RepairMigration().RunAsync(request, version, repair, reason, sink, token).ConfigureAwait(false);
                    return null;
                })]
            : [];
    }
}
