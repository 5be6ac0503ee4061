namespace PgOps;

/// <summary>What <c>Switch-PgDatabase</c> did.</summary>
public sealed record PgDatabaseSwitch : PgCheckedResult
{
    /// <summary>The database that clients name; it is another one now.</summary>
    public required PgTarget Target { get; init; }

    /// <summary>The name that the database in its place had before.</summary>
    public required string With { get; init; }

    /// <summary>The name of the database that was in its place, which is kept read-only.</summary>
    public required string ReplacedDatabase { get; init; }

    /// <summary>Whether an earlier switch was undone.</summary>
    public bool Undone { get; init; }

    /// <summary>Whether an earlier run had done it all, and this one had nothing to do.</summary>
    public bool AlreadyInPlace { get; init; }

    /// <summary>The sessions that were ended.</summary>
    public IReadOnlyList<PgDatabaseSession> EndedSessions { get; init => field = value.ToArray(); } = [];

    /// <summary>How long transactions were waited for while clients still came in.</summary>
    public TimeSpan DrainTime { get; init; }

    /// <summary>
    /// Time without service, as a client saw it: from the last query that the old database answered to the first that the new one did.
    /// </summary>
    public TimeSpan Downtime { get; init; }
}

/// <summary>A session of somebody else in a database.</summary>
public sealed record PgDatabaseSession
{
    /// <summary>Process id on the server.</summary>
    public required int Pid { get; init; }

    /// <summary>The database that it is in.</summary>
    public string Database { get; init; } = "";

    /// <summary>Its role.</summary>
    public string User { get; init; } = "";

    /// <summary>application_name.</summary>
    public string Application { get; init; } = "";

    /// <summary>The client's address; <c>local</c> for a socket, or when it may not be seen.</summary>
    public string Client { get; init; } = "";

    /// <summary>For example <c>active</c> or <c>idle in transaction</c>; empty when it may not be seen.</summary>
    public string State { get; init; } = "";

    /// <summary>How long it has been in this state: the age of its query, when it is active; null when it may not be seen.</summary>
    public TimeSpan? Age { get; init; }

    /// <inheritdoc/>
    public override string ToString()
    {
        var since = Age is { } age ? $" for {PgSize.Format(age)}" : "";
        return FormattableString.Invariant($"pid {Pid}, user {User}, application \"{Application}\", from {Client}, {State}{since}");
    }
}
