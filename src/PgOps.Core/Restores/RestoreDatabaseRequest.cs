using PgOps.Core.Repository.Signing;
using PgOps.Core.Restores.Masking;

namespace PgOps.Core.Restores;

/// <summary>What to restore, and where.</summary>
public sealed record RestoreDatabaseRequest
{
    /// <summary>The backup.</summary>
    public required PgBackup Backup { get; init; }

    /// <summary>The server, with a role that may create databases. Its database is ignored in favour of <see cref="Database"/>.</summary>
    public required PgTarget Target { get; init; }

    /// <summary>The final name; null takes the backup's database name.</summary>
    public string? Database { get; init; }

    /// <summary>Sessions to restore, compare and analyse with; null takes the number of processors, at most 8.</summary>
    public int? Jobs { get; init; }

    /// <summary>
    /// Lifts the guards: a target that is not empty is replaced (and kept under a dated name), the source is replaced after one more
    /// confirmation, an older server is tried, a database setting that the server refuses is left out.
    /// </summary>
    public bool Force { get; init; }

    /// <summary>Everything will belong to the restoring role.</summary>
    public bool NoOwner { get; init; }

    /// <summary>Grants are left out.</summary>
    public bool NoPrivileges { get; init; }

    /// <summary>Creates missing roles, without login and password.</summary>
    public bool CreateRoles { get; init; }

    /// <summary>
    /// Roles that take the place of others as owners and in grants, default privileges and policies: new names by old ones.
    /// </summary>
    public IReadOnlyDictionary<string, string> MapRole { get; init; } = new Dictionary<string, string>();

    /// <summary>Extensions to leave out. What needs them cannot be restored, and fails the restore.</summary>
    public IReadOnlyList<string> SkipExtension { get; init => field = value.ToArray(); } = [];

    /// <summary>Restores the jobs of pg_cron too, which run from then on.</summary>
    public bool IncludeJobs { get; init; }

    /// <summary>Puts everything into the database's own tablespace.</summary>
    public bool NoTablespaces { get; init; }

    /// <summary>
    /// Schemas to restore, with * and ?; none, and no tables, restores everything. A part is put into a new database only.
    /// </summary>
    public IReadOnlyList<string> Schemas { get; init => field = value.ToArray(); } = [];

    /// <summary>Tables to restore with what belongs to them, with or without their schema, with * and ?.</summary>
    public IReadOnlyList<string> Tables { get; init => field = value.ToArray(); } = [];

    /// <summary>Keeps the staging database of a restore that failed, for looking into.</summary>
    public bool KeepFailed { get; init; }

    /// <summary>Drops the database that <see cref="Force"/> replaces, instead of keeping it under a dated name.</summary>
    public bool DropOld { get; init; }

    /// <summary>
    /// Restores into the database itself, which must exist and be empty, without a staging name: for servers on which the role may
    /// neither create nor rename databases. A restore that fails then leaves a part behind.
    /// </summary>
    public bool IntoEmpty { get; init; }

    /// <summary>The database of the server to work from; never the one that is replaced.</summary>
    public string MaintenanceDatabase { get; init; } = "postgres";

    /// <summary>Folder of pg_restore; null looks where packages put it.</summary>
    public string? BinPath { get; init; }

    /// <summary>The key that must have signed the backup; null demands no signature. Not disposed here.</summary>
    public BackupKey? Key { get; init; }

    /// <summary>age's identity file, for an encrypted backup; gpg takes its keys from its own keyring.</summary>
    public string? Identity { get; init; }

    /// <summary>The rules file that the copy is masked by before it becomes visible (docs/masking.md); null masks nothing.</summary>
    public string? Mask { get; init; }

    /// <summary>What the masks are made from: the same seed makes the same masks. Null makes masks that no other run makes.</summary>
    public PgSecret? MaskSeed { get; init; }

    /// <summary>Fails, before anything becomes visible, when a masked copy still seems to hold personal data.</summary>
    public bool Strict { get; init; }

    /// <summary>Whether only the plan is wanted: nobody is asked anything.</summary>
    internal bool IsPreview { get; init; }

    /// <summary>The rules, once they were read; empty to mask nothing.</summary>
    internal IReadOnlyList<MaskRule> MaskRules { get; init; } = [];

    /// <summary>Whether only a part of the backup is restored.</summary>
    internal bool IsPartial => Schemas.Count + Tables.Count > 0;

    /// <summary>The final name.</summary>
    internal string FinalName => string.IsNullOrEmpty(Database) ? Backup.Database : Database;
}
