using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Migrations;

namespace PgOps.Cmdlets.Migrations;

/// <summary>Base of the cmdlets that hold a folder of migrations against a database.</summary>
public abstract class PgMigrationCmdlet : PgTargetCmdlet
{
    /// <summary>
    /// The folder with the migrations: <c>001_x.sql</c> or <c>20251015093045_x.sql</c> files, or Prisma's
    /// <c>20251015093045_x/migration.sql</c> folders.
    /// </summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "./migrations";

    /// <summary>Schema of the history table.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string HistorySchema { get; set; } = "pgops";

    /// <summary>The request that the parameters of every migration cmdlet make.</summary>
    /// <returns>A request to extend.</returns>
    private protected MigrationRequest Request() => new()
    {
        Target = ResolveTarget(),
        Path = FullPath(Path),
        HistorySchema = HistorySchema,
    };
}
