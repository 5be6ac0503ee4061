namespace PgOps.Core.Repository.Retention;

/// <summary>Which backups to remove.</summary>
public sealed record RemoveBackupsRequest
{
    /// <summary>Folders of backups, or URIs of places for backups in a store: the rules look at everything in them.</summary>
    public IReadOnlyList<string> Folders { get; init; } = [];

    /// <summary>Backups to look at; without a rule, the ones to remove.</summary>
    public IReadOnlyList<PgBackup> Backups { get; init; } = [];

    /// <summary>The rules.</summary>
    public RetentionPolicy Policy { get; init; } = new();

    /// <summary>
    /// Takes the one given backup although it is the last complete or the last proven one, is held, incomplete or dated after now, or was
    /// not made by PgOps. Never one that is being read.
    /// </summary>
    public bool Force { get; init; }

    /// <summary>
    /// Paths of the backups that may go; null lets all go that the plan names. The plan is made again and only what both name goes.
    /// </summary>
    public IReadOnlySet<string>? Approved { get; init; }
}
