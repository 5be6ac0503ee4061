using System.Collections;
using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Migrations;

namespace PgOps.Cmdlets.Migrations;

/// <summary>Base of the cmdlets that hold a folder of migrations against a database.</summary>
public abstract class PgMigrationCmdlet : PgTargetCmdlet
{
    /// <summary>
    /// The folder with the migrations: <c>001_x.sql</c> or <c>20251015093045_x.sql</c> files, or a folder in the manner of Prisma,
    /// Flyway, golang-migrate, sqlx, dbmate, goose or Diesel.
    /// </summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "./migrations";

    /// <summary>Schema of the history table.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string HistorySchema { get; set; } = "pgops";

    /// <summary>Values for the placeholders ${name} in the scripts. Without it, placeholders are left as they are.</summary>
    [Parameter]
    [ValidateNotNull]
    public Hashtable? Variable { get; set; }

    /// <summary>Also replaces placeholders inside dollar quotes, where function bodies are.</summary>
    [Parameter]
    public SwitchParameter VariableInDollarQuotes { get; set; }

    /// <summary>The request that the parameters of every migration cmdlet make.</summary>
    /// <returns>A request to extend.</returns>
    private protected MigrationRequest Request() => new()
    {
        Target = ResolveTarget(),
        Path = FullPath(Path),
        HistorySchema = HistorySchema,
        Variables = VariableTable.Read(Variable, VariableInDollarQuotes),
    };
}
