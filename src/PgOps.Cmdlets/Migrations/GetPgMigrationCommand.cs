using System.Management.Automation;
using PgOps.Core.Migrations;

namespace PgOps.Cmdlets.Migrations;

/// <summary>Shows how each migration stands between folder and database: pending, applied, changed, missing, out of order…</summary>
[Cmdlet(VerbsCommon.Get, "PgMigration")]
[OutputType(typeof(PgMigration))]
public sealed class GetPgMigrationCommand : PgMigrationCmdlet
{
    /// <summary>Only these states.</summary>
    [Parameter]
    public PgMigrationState[]? State { get; set; }

    /// <summary>Brings the script that was applied along (AppliedScript), as the history holds it.</summary>
    [Parameter]
    public SwitchParameter Detailed { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Run(async (sink, token) =>
    {
        var request = Request();
        var wanted = State is null ? sink : new StateFilter(sink, State);
        await new GetMigrations().RunAsync(request, Detailed, wanted, token).ConfigureAwait(false);
    });
}
