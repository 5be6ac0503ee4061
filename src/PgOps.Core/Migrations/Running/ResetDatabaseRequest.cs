namespace PgOps.Core.Migrations.Running;

/// <summary>Which development database is rebuilt, and from what.</summary>
public sealed record ResetDatabaseRequest
{
    /// <summary>The database, the folder, its variables and the timeouts. What else it holds does not matter here.</summary>
    public required MigrationRequest Migrations { get; init; }

    /// <summary>Leave the folder's seeds out.</summary>
    public bool NoSeed { get; init; }

    /// <summary>End the sessions of others in the database.</summary>
    public bool EndSessions { get; init; }

    /// <summary>The database to work from.</summary>
    public string MaintenanceDatabase { get; init; } = "postgres";

    /// <summary>The database.</summary>
    internal PgTarget Target => Migrations.Target;

    /// <summary>The way to the database to work from.</summary>
    internal PgTarget Maintenance => Target.WithDatabase(MaintenanceDatabase) with { Schema = null };

    /// <summary>The run that fills the new database.</summary>
    /// <param name="staging">The name that it has while it is filled.</param>
    internal MigrationRequest Fill(string staging) => new()
    {
        Target = Target.WithDatabase(staging),
        Path = Migrations.Path,
        Variables = Migrations.Variables,
        HistorySchema = Migrations.HistorySchema,
        WaitTimeout = Migrations.WaitTimeout,
        LockTimeout = Migrations.LockTimeout,
        StatementTimeout = Migrations.StatementTimeout,
        LockRetries = Migrations.LockRetries,
        Seed = !NoSeed,
    };
}
