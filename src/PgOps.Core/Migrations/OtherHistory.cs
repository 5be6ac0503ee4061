namespace PgOps.Core.Migrations;

/// <summary>Another tool's history in a database, and what PgOps can do with it.</summary>
/// <param name="Name">The tool and its table.</param>
/// <param name="IsImported">Whether PgOps can take it over.</param>
/// <param name="WorksBeside">Whether PgOps can also go on beside the tool.</param>
internal sealed record OtherHistory(string Name, bool IsImported, bool WorksBeside)
{
    /// <summary>The way out where the history is read but not taken over.</summary>
    internal const string LeftToPrisma = "Apply the folder's migrations with Prisma, which keeps its state in the schema prisma_contract; "
        + "Get-PgMigration shows how each stands, and Invoke-PgMigration -WhatIf shows the statements of what is pending. "
        + "A folder of your own beside Prisma's, with a history of PgOps': Invoke-PgMigration -Path … -AllowNotEmpty.";

    /// <summary>The way out for histories that PgOps knows.</summary>
    internal static string Next(IReadOnlyList<OtherHistory> histories)
    {
        if (!histories.Any(history => history.IsImported))
        {
            return LeftToPrisma;
        }

        var beside = histories.Any(history => history.WorksBeside);
        return "Import-PgMigrationHistory takes it over: what that tool has applied is recorded as present, and the rest is left to run. "
            + (beside ? "-Beside lets both go on; " : "") + "Get-PgMigration shows how each migration stands.";
    }
}
