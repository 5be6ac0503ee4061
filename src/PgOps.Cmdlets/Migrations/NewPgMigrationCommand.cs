using System.Management.Automation;
using Microsoft.Extensions.Logging;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Cmdlets.Migrations;

/// <summary>
/// Makes the next migration's file in the folder's own shape: numbered, timestamped (UTC) or Prisma. A name that follows the naming
/// conventions gets its first statements written.
/// </summary>
[Cmdlet(VerbsCommon.New, "PgMigration", SupportsShouldProcess = true)]
[OutputType(typeof(PgMigration))]
public sealed class NewPgMigrationCommand : PgCmdlet
{
    /// <summary>What it does, in words or snake_case: add_company_size_to_clients.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [ValidateNotNullOrEmpty]
    public string Name { get; set; } = "";

    /// <summary>The folder with the migrations; it is created when it is not there.</summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "./migrations";

    /// <summary>The version. Default: the next number where the folder counts, else the time in UTC.</summary>
    [Parameter]
    [ValidatePattern("^[0-9]+$")]
    public string? Version { get; set; }

    /// <summary>Makes a Prisma folder where the folder is still empty.</summary>
    [Parameter]
    public SwitchParameter Prisma { get; set; }

    /// <summary>
    /// <c>auto</c>, the default, holds the name against the naming conventions and writes what its pattern tells; <c>none</c> does
    /// neither.
    /// </summary>
    [Parameter]
    [ValidateSet("auto", "none")]
    public string Template { get; set; } = "auto";

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var operation = new NewMigration();
        var script = "";
        string? body = null;
        if (Run((sink, _) =>
            {
                script = operation.Place(FullPath(Path), Name, Version, Prisma);
                body = Template.Equals("none", StringComparison.OrdinalIgnoreCase) ? null : Body(sink.Log);
                return Task.CompletedTask;
            })
            && ShouldProcess(script, "Create migration"))
        {
            Run((sink, _) =>
            {
                sink.Output(operation.Write(script, body));
                return Task.CompletedTask;
            });
        }
    }

    private string? Body(ILogger log)
    {
        var naming = MigrationNaming.Read(Name, FullPath(Path));
        foreach (var warning in naming.Warnings)
        {
            log.NameWarned(warning);
        }

        return naming.Script;
    }
}
