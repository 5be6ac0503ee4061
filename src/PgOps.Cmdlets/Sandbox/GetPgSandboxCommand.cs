using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Postgres.Sandbox;

namespace PgOps.Cmdlets.Sandbox;

/// <summary>Lists the running sandboxes of this user.</summary>
[Cmdlet(VerbsCommon.Get, "PgSandbox")]
[OutputType(typeof(PgSandbox))]
public sealed class GetPgSandboxCommand : PgCmdlet
{
    /// <summary>Only this one.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    public string? Id { get; set; }

    /// <summary>The folder that holds the sandboxes, when Start-PgSandbox was given one.</summary>
    [Parameter]
    public string? SandboxPath { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Run(async (sink, token) =>
    {
        var request = new FindSandboxesRequest { Id = Id, Path = SandboxPath is null ? null : FullPath(SandboxPath) };
        foreach (var sandbox in await new FindSandboxes().RunAsync(request, sink, token).ConfigureAwait(false))
        {
            sink.Output(sandbox);
        }
    });
}
