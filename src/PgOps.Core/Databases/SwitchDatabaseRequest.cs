namespace PgOps.Core.Databases;

/// <summary>Which database gives way to which.</summary>
public sealed record SwitchDatabaseRequest
{
    /// <summary>The database that clients name.</summary>
    public required PgTarget Target { get; init; }

    /// <summary>The prepared database of the same server; null to go back to the one that the last switch put aside.</summary>
    public string? With { get; init; }

    /// <summary>
    /// How long transactions that run when the switch begins may go on before their sessions are ended. Zero waits for none.
    /// </summary>
    public TimeSpan GracePeriod { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The prepared database keeps its own settings, grants, owner, connection limit and comment.</summary>
    public bool KeepProperties { get; init; }

    /// <summary>Puts an empty database in the place of one that is not.</summary>
    public bool Force { get; init; }

    /// <summary>The database to work from.</summary>
    public string MaintenanceDatabase { get; init; } = "postgres";

    /// <summary>The way to the database to work from.</summary>
    internal PgTarget Maintenance => Target.WithDatabase(MaintenanceDatabase) with { Schema = null };
}
