using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Cmdlets.Targets;

/// <summary>Connects to a target and says what stands there: version, role, encryption, standby, pooler.</summary>
[Cmdlet(VerbsDiagnostic.Test, "PgTarget")]
[OutputType(typeof(PgTargetTest))]
public sealed class TestPgTargetCommand : PgCmdlet
{
    /// <summary>
    /// The databases: a postgresql:// URI (also Prisma's), <c>host=… dbname=…</c>, an Npgsql connection string, <c>service=…</c>, a
    /// database's name, or the object of New-PgTarget or Start-PgSandbox; one or several. Default: DATABASE_URL, then the PG* variables; a
    /// bare name is a database on the same server as they name, and beside a target one on that target's server.
    /// </summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [TargetTransformation(Many = true)]
    public PgTarget[]? Target { get; set; }

    /// <summary>User name and password to log in with, instead of the targets' own.</summary>
    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>Makes a failed check an error, so that a runbook turns red.</summary>
    [Parameter]
    public SwitchParameter Strict { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        // A null in the list is a backup that knows no target: the environment's is meant, as without the parameter.
        foreach (var target in Target ?? [null!])
        {
            var result = RunAndWrite((sink, token) => new TestTarget().RunAsync(
                Credentials.Apply(target ?? TargetParser.FromEnvironment(), Credential), sink, token));
            if (result is { Passed: false } && Strict)
            {
                WriteFailure(FailedChecks.Error($"{result.Target}", result.Checks, result));
            }
        }
    }
}
