namespace PgOps.Core.Repository.Retention;

/// <summary>What the plan is made from.</summary>
/// <param name="Selected">The backups to decide about.</param>
/// <param name="Present">Every backup of the folders they lie in: the guards look at these, whatever was selected.</param>
/// <param name="Policy">The rules; without any, the selected backups are meant themselves.</param>
/// <param name="InUse">Whether somebody reads a backup now.</param>
/// <param name="IsAbandoned">Whether the process that was writing an unfinished backup is gone.</param>
/// <param name="Now">What is dated after this is kept, and neither counts nor guards; what is held until later is kept.</param>
/// <param name="Force">Takes the one selected backup whatever guards it, unless somebody reads it.</param>
internal sealed record RetentionQuestion(
    IReadOnlyList<PgBackup> Selected,
    IReadOnlyList<PgBackup> Present,
    RetentionPolicy Policy,
    Func<PgBackup, bool> InUse,
    Func<PgBackup, bool> IsAbandoned,
    DateTime Now,
    bool Force = false);
