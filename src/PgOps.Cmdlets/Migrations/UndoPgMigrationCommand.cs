using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Migrations;
using PgOps.Core.Operations;

namespace PgOps.Cmdlets.Migrations;

/// <summary>
/// Takes migrations back by their down scripts, newest first: the newest one, or all above a version. Each is one transaction that
/// also holds its history row.
/// </summary>
[Cmdlet(VerbsCommon.Undo, "PgMigration", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(PgMigrationRun))]
public sealed class UndoPgMigrationCommand : PgMigratorCmdlet
{
    /// <summary>
    /// The passed drill of a fresh backup, from Test-PgRestore: the run is refused when it failed or is of another database, and its
    /// backup is recorded behind each undone migration.
    /// </summary>
    [Parameter(ValueFromPipeline = true)]
    [DrillTransformation]
    public PgDrill? ProvenBy { get; set; }

    /// <summary>Undo everything above this version; 0 undoes all. Default: only the newest migration is undone.</summary>
    [Parameter]
    [ValidatePattern(@"^[0-9]+(\.[0-9]+)*$")]
    public string? ToVersion { get; set; }

    /// <summary>Schemas of the database, by name or by pattern (<c>tenant_*</c>), that are migrated each for itself.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    public string[]? Schema { get; set; }

    private protected override string Activity => $"Undoing ({Path})";

    private protected override string[]? Schemas => Schema;

    private protected override MigrationRequest Complete(MigrationRequest request)
        => base.Complete(request) with { ToVersion = ToVersion, Proof = ProvenBy };

    private protected override IEnumerable<FleetTask> Decide(MigrationRequest request) => Ask(
        request,
        ToVersion is null ? $"Undo the newest migration of {request.Path}" : $"Undo the migrations of {request.Path} above {ToVersion}",
        async (sink, token) => Lines(
            await new UndoMigrations().PreviewAsync(request, sink, token).ConfigureAwait(false),
            $"Nothing is to be undone in {request.Target}."),
        async (sink, token) => await new UndoMigrations().RunAsync(request, sink, token).ConfigureAwait(false));
}
