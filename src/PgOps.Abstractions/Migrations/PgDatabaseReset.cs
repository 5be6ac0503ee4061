namespace PgOps;

/// <summary>What <c>Reset-PgDatabase</c> put in the place of a development database.</summary>
public sealed record PgDatabaseReset
{
    /// <summary>The database.</summary>
    public required PgTarget Target { get; init; }

    /// <summary>Size of the database that was dropped, in bytes.</summary>
    public long DroppedBytes { get; init; }

    /// <summary>The migrations applied, oldest first, then the repeatables.</summary>
    public IReadOnlyList<PgMigration> Applied { get; init => field = value.ToArray(); } = [];

    /// <summary>The seeds run.</summary>
    public IReadOnlyList<PgMigration> Seeded { get; init => field = value.ToArray(); } = [];

    /// <summary>The newest version of the new database; null when the folder is empty.</summary>
    public string? ToVersion { get; init; }

    /// <summary>Statements run.</summary>
    public int Statements { get; init; }

    /// <summary>The sessions that were ended, because of <c>-EndSessions</c>.</summary>
    public IReadOnlyList<string> EndedSessions { get; init => field = value.ToArray(); } = [];

    /// <summary>Name of the old database when it could not be dropped; null when it is gone.</summary>
    public string? LeftDatabase { get; init; }

    /// <summary>Time in all.</summary>
    public TimeSpan Duration { get; init; }
}
