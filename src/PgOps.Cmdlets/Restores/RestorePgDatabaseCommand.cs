using System.Collections;
using System.Management.Automation;
using System.Net;
using System.Security;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Restores;

namespace PgOps.Cmdlets.Restores;

/// <summary>
/// Restores a backup: checks its hashes first, restores under a staging name, compares every table with the backup's manifest,
/// analyses, and renames into place as the last act. A failure leaves nothing behind.
/// </summary>
[Cmdlet(VerbsData.Restore, "PgDatabase", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(PgRestore))]
public sealed class RestorePgDatabaseCommand : PgPayloadCmdlet
{
    /// <summary>
    /// The backup: its folder, its URI in a store, a foreign dump, or the object of Backup-PgDatabase, Get-PgBackup or Test-PgRestore.
    /// </summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [Alias("Path")]
    [BackupTransformation]
    public PgBackup Backup { get; set; } = null!;

    /// <summary>
    /// The server to restore to, with a role that may create databases. The database in it is the one to make, unless -Database is
    /// given or it is postgres. Default: DATABASE_URL, then the PG* variables.
    /// </summary>
    [Parameter(Position = 1)]
    [TargetTransformation]
    public PgTarget? Target { get; set; }

    /// <summary>User name and password to log in with, instead of the target's own.</summary>
    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>The database to make. Default: the target's, or the backup's when the target names postgres.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Database { get; set; }

    /// <summary>Parallel sessions. Default: the processors, at most 8.</summary>
    [Parameter]
    [ValidateRange(1, 64)]
    public int? Jobs { get; set; }

    /// <summary>
    /// Replaces a target that is not empty: the new database takes its name, the old one is kept under a dated name. The database that
    /// the backup came from is replaced only after one more confirmation. Also tries a server that is older than the backup's.
    /// </summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Everything will belong to the restoring role.</summary>
    [Parameter]
    public SwitchParameter NoOwner { get; set; }

    /// <summary>Leaves grants out.</summary>
    [Parameter]
    public SwitchParameter NoPrivileges { get; set; }

    /// <summary>Creates roles that are missing, without login.</summary>
    [Parameter]
    public SwitchParameter CreateRoles { get; set; }

    /// <summary>
    /// Roles that take the place of others, new names by old ones: as owners, in grants, default privileges, policies and user mappings.
    /// Not for plain scripts. What functions and settings say about roles stays as it is.
    /// </summary>
    [Parameter]
    [ValidateNotNull]
    public Hashtable? MapRole { get; set; }

    /// <summary>Extensions to leave out. An object that needs one cannot be restored: the restore fails and names it.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] SkipExtension { get; set; } = [];

    /// <summary>Restores the jobs of the extension pg_cron, too. They run from then on.</summary>
    [Parameter]
    public SwitchParameter IncludeJob { get; set; }

    /// <summary>Puts everything into the database's own tablespace.</summary>
    [Parameter]
    public SwitchParameter NoTablespaces { get; set; }

    /// <summary>
    /// Restores these schemas alone, into a new database; * and ? stand for any characters, case counts. What they need from elsewhere
    /// comes along.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] Schema { get; set; } = [];

    /// <summary>
    /// Restores these tables alone, with what belongs to them and what they need, into a new database: names with or without their
    /// schema; * and ? stand for any characters, case counts. A foreign key to a table that is not restored is left out, and named.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] Table { get; set; } = [];

    /// <summary>Keeps the staging database of a restore that failed, and says its name.</summary>
    [Parameter]
    public SwitchParameter KeepFailed { get; set; }

    /// <summary>
    /// With -Force: drops the replaced database once the restored one is in its place, instead of keeping it under a dated name.
    /// </summary>
    [Parameter]
    public SwitchParameter DropOld { get; set; }

    /// <summary>
    /// Restores into the database that the target names, which must exist and be empty: for servers on which the role may neither create
    /// nor rename databases. Without a staging name a restore that fails leaves a part behind.
    /// </summary>
    [Parameter]
    public SwitchParameter IntoEmpty { get; set; }

    /// <summary>
    /// A file of rules by which the copy is masked after the comparison and before it becomes visible; docs/masking.md describes it.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Mask { get; set; }

    /// <summary>
    /// A secret of at least 16 characters that the masks are made from: the same one makes the same masks. Default: a new one for each
    /// run, kept nowhere.
    /// </summary>
    [Parameter]
    public SecureString? MaskSeed { get; set; }

    /// <summary>
    /// With -Mask: fails, before the copy becomes visible, when columns without a rule look like personal data, or an expression left
    /// original values.
    /// </summary>
    [Parameter]
    public SwitchParameter StrictMask { get; set; }

    /// <summary>The database to work from while the restore runs.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string MaintenanceDatabase { get; set; } = "postgres";

    /// <summary>The folder with pg_restore. Default: looked for.</summary>
    [Parameter]
    public string? BinPath { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var request = default(RestoreDatabaseRequest);
        if (!Understand(() => request = Request()))
        {
            return;
        }

        if (WhatIfRequested)
        {
            Preview(async (sink, token) => [await new RestoreDatabase().PreviewAsync(request!, sink, token).ConfigureAwait(false)]);
        }
        else if (ShouldProcess(
            $"{request!.Target.WithDatabase(request.Database!)}",
            $"Restore {Backup.Path} ({Backup.Database} as of {Backup.SnapshotAt:u})"))
        {
            RunAndWrite((sink, token) => new RestoreDatabase().RunAsync(request, sink, token));
        }
    }

    private RestoreDatabaseRequest Request()
    {
        var target = Credentials.Apply(Target ?? TargetParser.FromEnvironment(), Credential);
        return new RestoreDatabaseRequest
        {
            Backup = Backup,
            Target = target,
            Database = Database ?? (target.Database == MaintenanceDatabase && !IntoEmpty ? Backup.Database : target.Database),
            Jobs = Jobs,
            Force = Force,
            NoOwner = NoOwner,
            NoPrivileges = NoPrivileges,
            CreateRoles = CreateRoles,
            MapRole = MapRole is null ? new Dictionary<string, string>() : MapRole.Cast<DictionaryEntry>()
                .ToDictionary(entry => $"{entry.Key}", entry => $"{entry.Value}", StringComparer.Ordinal),
            SkipExtension = SkipExtension,
            IncludeJobs = IncludeJob,
            NoTablespaces = NoTablespaces,
            Schemas = Schema,
            Tables = Table,
            KeepFailed = KeepFailed,
            DropOld = DropOld,
            IntoEmpty = IntoEmpty,
            Mask = Mask is null ? null : FullPath(Mask),
            MaskSeed = MaskSeed is null ? null : new PgSecret(new NetworkCredential("", MaskSeed).Password),
            Strict = StrictMask,
            MaintenanceDatabase = MaintenanceDatabase,
            BinPath = BinPath is null ? null : FullPath(BinPath),
            Key = Key(),
            Identity = IdentityPath,
        };
    }
}
