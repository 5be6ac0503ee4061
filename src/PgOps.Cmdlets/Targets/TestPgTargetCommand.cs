using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Cmdlets.Targets;

/// <summary>Connects to a target and says what stands there: version, role, encryption, standby, pooler.</summary>
[Cmdlet(VerbsDiagnostic.Test, "PgTarget")]
[OutputType(typeof(PgTargetTest))]
public sealed class TestPgTargetCommand : PgTargetCmdlet
{
    /// <summary>Makes a failed check an error, so that a runbook turns red.</summary>
    [Parameter]
    public SwitchParameter Strict { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var result = RunAndWrite((sink, token) => new TestTarget().RunAsync(ResolveTarget(), sink, token));
        if (result is { Passed: false } && Strict)
        {
            WriteFailure(FailedChecks.Error($"{result.Target}", result.Checks, result));
        }
    }
}
