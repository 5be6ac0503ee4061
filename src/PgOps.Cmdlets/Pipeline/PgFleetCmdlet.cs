using System.Management.Automation;
using PgOps.Core.Common.Operations;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>
/// Base of the cmdlets that work on many databases side by side, in three acts: ProcessRecord decides and asks on the pipeline
/// thread, the work runs without touching it, and the sink is drained. One after the other, each target runs as it comes.
/// </summary>
public abstract class PgFleetCmdlet : PgCmdlet
{
    private readonly List<FleetTask> _collected = [];
    private bool _several;

    /// <summary>
    /// The databases: a postgresql:// URI (also Prisma's), <c>host=… dbname=…</c>, an Npgsql connection string, <c>service=…</c>, a
    /// database's name, or the object of New-PgTarget or Start-PgSandbox; one or several. Default: DATABASE_URL, then the PG* variables; a
    /// bare name is a database on the same server as they name.
    /// </summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [TargetTransformation(Many = true)]
    public PgTarget[]? Target { get; set; }

    /// <summary>User name and password to log in with, instead of the targets' own.</summary>
    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>How many targets are worked on at a time. 1, the default, takes each as it comes down the pipeline.</summary>
    [Parameter]
    [ValidateRange(1, 1000)]
    public int ThrottleLimit { get; set; } = 1;

    /// <summary>This many targets, the first ones, run alone; the rest are begun when all of these have succeeded.</summary>
    [Parameter]
    [ValidateRange(1, 1000)]
    public int Canary { get; set; }

    /// <summary>After a failing target no other one is begun; an error names those. Default: one failing target stops no other.</summary>
    [Parameter]
    public SwitchParameter StopOnError { get; set; }

    /// <summary>What the bar over all targets says.</summary>
    private protected abstract string Activity { get; }

    /// <summary>The given targets or the environment's, with the credential applied.</summary>
    /// <returns>At least one target.</returns>
    private protected List<PgTarget> ResolveTargets()
        => (Target ?? [null!]).Select(target => Credentials.Apply(target ?? TargetParser.FromEnvironment(), Credential)).ToList();

    /// <summary>Takes decided work: runs it at once where targets go one after the other, else at the end.</summary>
    /// <param name="tasks">One task for each target.</param>
    private protected void Begin(IReadOnlyList<FleetTask> tasks)
    {
        if (ThrottleLimit == 1 && Canary == 0 && !StopOnError)
        {
            _several |= tasks.Count > 1;
            RunFleet(tasks, _several ? true : null);
            _several = true;
        }
        else
        {
            _collected.AddRange(tasks);
        }
    }

    /// <summary>Runs what was collected.</summary>
    protected override void EndProcessing()
    {
        if (_collected.Count > 0)
        {
            RunFleet(_collected, null);
        }
    }

    private void RunFleet(IReadOnlyList<FleetTask> tasks, bool? named)
    {
        var fleet =
            new FleetRun { Activity = Activity, ThrottleLimit = ThrottleLimit, Canary = Canary, StopOnError = StopOnError, Named = named };
        Run((sink, token) => fleet.RunAsync(tasks, sink, token));
    }
}
