namespace PgOps.Core.Migrations.Running;

/// <summary>One migration of a plan, in words.</summary>
/// <param name="Migration">Its version and name.</param>
/// <param name="Description">What would be done, one line for each statement.</param>
public sealed record PlannedMigration(string Migration, string Description);
