using PgOps.Core.Checks.User;
using PgOps.Core.Repository.Signing;

namespace PgOps.Core.Drills;

/// <summary>Which backup to drill, and where.</summary>
public sealed record TestRestoreRequest
{
    /// <summary>The backup; null when <see cref="Path"/> names it.</summary>
    public PgBackup? Backup { get; init; }

    /// <summary>The backup's folder; null when <see cref="Backup"/> is given.</summary>
    public string? Path { get; init; }

    /// <summary>Sessions to restore, compare and analyse with; null takes the number of processors, at most 8.</summary>
    public int? Jobs { get; init; }

    /// <summary>Folder of PostgreSQL's programs; null looks where packages put them.</summary>
    public string? BinPath { get; init; }

    /// <summary>
    /// The key that must have signed the backup; it signs the ledger's entry as well, if it can; null demands no signature. Not disposed
    /// here.
    /// </summary>
    public BackupKey? Key { get; init; }

    /// <summary>age's identity file, for an encrypted backup; gpg takes its keys from its own keyring.</summary>
    public string? Identity { get; init; }

    /// <summary>Major version of the sandbox; null takes the source's, or the nearest newer one that is installed.</summary>
    public int? ServerVersion { get; init; }

    /// <summary>Folder for the sandbox's files, which take as much room as the database; null takes where sandboxes live.</summary>
    public string? SandboxPath { get; init; }

    /// <summary>
    /// Settings for the sandbox's postgresql.conf; one that loads pg_cron gets its database's name, and runs no job.
    /// </summary>
    public IReadOnlyDictionary<string, string> SandboxSettings { get; init; } = new Dictionary<string, string>();

    /// <summary>Extensions to leave out with their rows. The backup is not proven then.</summary>
    public IReadOnlyList<string> SkipExtension { get; init => field = value.ToArray(); } = [];

    /// <summary>
    /// A server to restore into, in a scratch database that is dropped afterwards, in place of a sandbox. Its database is what the
    /// drill works from. Missing roles are created for the drill and dropped with it.
    /// </summary>
    public PgTarget? Server { get; init; }

    /// <summary>How thoroughly to look at the copy's B-tree indexes.</summary>
    public PgIndexCheck IndexCheck { get; init; } = PgIndexCheck.Quick;

    /// <summary>The user's own checks of the copy.</summary>
    public IReadOnlyList<UserCheck> Checks { get; init => field = value.ToArray(); } = [];

    /// <summary>Time allowed for each of these.</summary>
    public TimeSpan CheckTimeout { get; init; } = UserChecks.DefaultTimeout;

    /// <summary>The migrations to apply to the copy once it is compared; null for none.</summary>
    public RehearsalRequest? Rehearse { get; init; }

    /// <summary>The longest recovery that the drill passes, see <see cref="PgDrill.RecoveryTime"/>; null sets no limit.</summary>
    public TimeSpan? MaxRecoveryTime { get; init; }

    /// <summary>The greatest age of the data when the drill begins that the drill passes; null sets no limit.</summary>
    public TimeSpan? MaxDataLoss { get; init; }

    /// <summary>What to do to the copy before it is looked at: how tests break one. Null for nothing.</summary>
    internal Func<PgTarget, Task>? Restored { get; init; }
}
