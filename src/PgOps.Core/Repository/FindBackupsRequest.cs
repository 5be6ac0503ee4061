using PgOps.Core.Repository.Signing;

namespace PgOps.Core.Repository;

/// <summary>Where to look for backups, and for which.</summary>
public sealed record FindBackupsRequest
{
    /// <summary>A backup or a folder of backups, or the URI of either in a store.</summary>
    public required string Path { get; init; }

    /// <summary>Whether a database is wanted; null takes all.</summary>
    public Func<string, bool>? Database { get; init; }

    /// <summary>Only backups of a time before this, in UTC.</summary>
    public DateTime? Before { get; init; }

    /// <summary>Only backups of this time or later, in UTC.</summary>
    public DateTime? After { get; init; }

    /// <summary>Only proven backups.</summary>
    public bool Proven { get; init; }

    /// <summary>Whether a label is wanted; null takes all, those without a label included.</summary>
    public Func<string, bool>? Label { get; init; }

    /// <summary>Only backups of a part of a database.</summary>
    public bool Part { get; init; }

    /// <summary>
    /// Of what the other wishes leave, only the newest complete one of each database: the newest whole one, or with <see cref="Part"/>
    /// the newest of each kind of part.
    /// </summary>
    public bool Latest { get; init; }

    /// <summary>The key by which a passed drill must be signed to count; null counts every entry. Not disposed here.</summary>
    public BackupKey? Key { get; init; }
}
