using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Sandbox;

namespace PgOps.Cmdlets.Sandbox;

/// <summary>Stops a sandbox and removes everything it left on disk.</summary>
[Cmdlet(VerbsLifecycle.Stop, "PgSandbox", SupportsShouldProcess = true, DefaultParameterSetName = "Sandbox")]
public sealed class StopPgSandboxCommand : PgCmdlet
{
    /// <summary>The sandbox, from Start-PgSandbox or Get-PgSandbox.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = "Sandbox")]
    [SandboxTransformation]
    public PgSandbox Sandbox { get; set; } = null!;

    /// <summary>The sandbox's name.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Id")]
    public string Id { get; set; } = "";

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (ShouldProcess(Sandbox?.Id ?? Id, "Stop the sandbox and remove its data"))
        {
            var request = new StopSandboxRequest { Sandbox = Sandbox, Id = Sandbox is null ? Id : null };
            Run((sink, token) => new StopSandbox().RunAsync(request, sink, token));
        }
    }
}
