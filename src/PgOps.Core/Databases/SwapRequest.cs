namespace PgOps.Core.Databases;

/// <summary>Which database is to be replaced, and how.</summary>
/// <param name="Target">The final database.</param>
/// <param name="Existing">The oid of the database that has the name now; null when none does.</param>
internal sealed record SwapRequest(PgTarget Target, uint? Existing)
{
    /// <summary>The owner to set; null leaves the role that works.</summary>
    internal string? Owner { get; init; }

    /// <summary>What the backup says of the database itself, for one that replaces nothing; null when the caller settles that.</summary>
    internal PgDatabaseFacts? Facts { get; init; }

    /// <summary>Whether what is replaced is an empty database, whose properties nobody has settled.</summary>
    internal bool ReplacesEmpty { get; init; }

    /// <summary>Whether grants come along, from the replaced database or the backup; else it grants what every new one does.</summary>
    internal bool KeepGrants { get; init; }

    /// <summary>The comment of the database in its place.</summary>
    internal string? Comment { get; init; }

    /// <summary>
    /// Whether the replaced database is to be dropped afterwards. It takes the name and the mark of a staging database, so that a sweep
    /// finds it if this run dies before.
    /// </summary>
    internal bool Discard { get; init; }

    /// <summary>Hears of each session that was ended, because it stood in the way; null ends none.</summary>
    internal Action<string>? Ended { get; init; }

    /// <summary>What to do about the sessions in the way.</summary>
    internal string WayOut { get; init; } =
        "Stop these programs, then run the command again, or restore under another name. PgOps cuts nobody off.";
}
