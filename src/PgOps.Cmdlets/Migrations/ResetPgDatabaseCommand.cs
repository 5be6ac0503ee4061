using System.Management.Automation;
using PgOps.Core.Common.Operations;
using PgOps.Core.Migrations;
using PgOps.Core.Migrations.Running;

namespace PgOps.Cmdlets.Migrations;

/// <summary>
/// Drops a development database and rebuilds it from the folder: all migrations, then the seeds. The new one is built beside it
/// first; if anything fails, the old one is as it was. Refuses a database that is not marked as one for development.
/// </summary>
[Cmdlet(VerbsCommon.Reset, "PgDatabase", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(PgDatabaseReset))]
public sealed class ResetPgDatabaseCommand : PgMigratorCmdlet
{
    /// <summary>Leaves the folder's seeds out.</summary>
    [Parameter]
    public SwitchParameter NoSeed { get; set; }

    /// <summary>Ends the sessions that others have in the database. Without it they are named and nothing is done.</summary>
    [Parameter]
    public SwitchParameter EndSessions { get; set; }

    /// <summary>The database to work from.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string MaintenanceDatabase { get; set; } = "postgres";

    private protected override string Activity => $"Resetting ({Path})";

    private protected override IEnumerable<FleetTask> Decide(MigrationRequest request)
    {
        var reset = new ResetDatabaseRequest
        {
            Migrations = request,
            NoSeed = NoSeed,
            EndSessions = EndSessions,
            MaintenanceDatabase = MaintenanceDatabase,
        };
        return Ask(
            request,
            $"Drop the database and rebuild it from {request.Path}",
            async (sink, token) => [await new ResetDatabase().PreviewAsync(reset, sink, token).ConfigureAwait(false)],
            async (sink, token) => await new ResetDatabase().RunAsync(reset, sink, token).ConfigureAwait(false));
    }
}
