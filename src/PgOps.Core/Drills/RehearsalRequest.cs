using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Drills;

/// <summary>The migrations that a drill applies to the restored copy.</summary>
public sealed record RehearsalRequest
{
    /// <summary>The folder with the migrations.</summary>
    public required string Path { get; init; }

    /// <summary>Schema of the history table.</summary>
    public string HistorySchema { get; init; } = HistoryTable.DefaultSchema;

    /// <summary>Values for placeholders in the scripts; null leaves them as they are.</summary>
    public ScriptVariables? Variables { get; init; }
}
