using System.Management.Automation;
using PgOps.Core.Common.Operations;
using PgOps.Core.Migrations;
using PgOps.Core.Migrations.Running;

namespace PgOps.Cmdlets.Migrations;

/// <summary>Shows how each migration stands between folder and database: pending, applied, changed, missing, out of order…</summary>
[Cmdlet(VerbsCommon.Get, "PgMigration")]
[OutputType(typeof(PgMigration))]
public sealed class GetPgMigrationCommand : PgMigrationCmdlet
{
    /// <summary>Only these states.</summary>
    [Parameter]
    public PgMigrationState[]? State { get; set; }

    /// <summary>
    /// Brings the recorded script along, as the history holds it (AppliedScript), and how the file differs from it (Difference).
    /// </summary>
    [Parameter]
    public SwitchParameter Detailed { get; set; }

    /// <summary>
    /// Schemas of the database, by name or by pattern (<c>tenant_*</c>), that are migrated each for itself and hold their own history.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    public string[]? Schema { get; set; }

    private protected override string Activity => $"Reading histories ({Path})";

    private protected override string[]? Schemas => Schema;

    private protected override IEnumerable<FleetTask> Decide(MigrationRequest request) =>
    [
        TaskOf(request, async (sink, token) =>
        {
            var wanted = State is null ? sink : new StateFilter(sink, State);
            await new GetMigrations().RunAsync(request, Detailed, wanted, token).ConfigureAwait(false);
            return null;
        }),
    ];
}
