using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Comparison;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Cmdlets.Restores;

/// <summary>
/// Compares two databases, a backup's manifest and a database, or two manifests: every table's count and content, sequences, schema
/// objects.
/// </summary>
[Cmdlet(VerbsData.Compare, "PgDatabase", DefaultParameterSetName = "Database")]
[OutputType(typeof(PgComparison))]
public sealed class ComparePgDatabaseCommand : PgCmdlet
{
    /// <summary>
    /// The database that is taken to be right; or a backup, as Backup-PgDatabase or Get-PgBackup gives it. Beside a target a bare name is
    /// a database on that target's server.
    /// </summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Database")]
    [SideTransformation]
    public object? Reference { get; set; }

    /// <summary>The backup that is taken to be right: its folder, or the object of Backup-PgDatabase or Get-PgBackup.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Backup", ValueFromPipeline = true)]
    [BackupTransformation]
    public PgBackup? Backup { get; set; }

    /// <summary>
    /// The identity file that decrypts the backup's manifest, when the backup was made with -Recipient for age. gpg takes its keys from
    /// its own keyring.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Identity { get; set; }

    /// <summary>
    /// The database to hold against it; or, against a backup, another backup: then the two manifests are compared, and nothing is
    /// restored. Beside a target a bare name is a database on that target's server. Default: DATABASE_URL, then the PG* variables.
    /// </summary>
    [Parameter(Position = 1)]
    [SideTransformation]
    public object? Difference { get; set; }

    /// <summary>User name and password to log in with on both sides, instead of the targets' own.</summary>
    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>Parallel sessions for each side. Default: the processors, at most 8.</summary>
    [Parameter]
    [ValidateRange(1, 64)]
    public int? Jobs { get; set; }

    /// <summary>
    /// How long to wait for a lock that others hold on a table, for example 5min. Default: as long as it takes; who holds it is said after
    /// three seconds.
    /// </summary>
    [Parameter]
    [TimeSpanAmount]
    public TimeSpan? LockTimeout { get; set; }

    /// <summary>
    /// Leaves schemas out on both sides: their tables, sequences and objects. Names as the catalog holds them, with * and ?; one that fits
    /// nothing on either side is an error. Without the schema pgops the migration state is not compared either.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] ExcludeSchema { get; set; } = [];

    /// <summary>Finds the rows in which tables of two databases differ, by ranges of the primary key.</summary>
    [Parameter(ParameterSetName = "Database")]
    public SwitchParameter Detailed { get; set; }

    /// <summary>How many differing rows -Detailed names of each table. Default: 100.</summary>
    [Parameter(ParameterSetName = "Database")]
    [ValidateRange(1, 100000)]
    public int MaxRows { get; set; } = 100;

    /// <summary>Makes a difference an error, so that a runbook turns red.</summary>
    [Parameter]
    public SwitchParameter Strict { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var backup = Backup ?? Reference as PgBackup;
        var other = Difference as PgBackup;
        var (reference, difference) = (default(PgTarget), default(PgTarget));
        if (Identity is not null && backup is null && other is null)
        {
            WriteFailure(new PgOpsException(
                PgErrorCode.InvalidArgument,
                "-Identity decrypts a backup's manifest, and neither side of this comparison is a backup.",
                "Nothing was compared.",
                "Leave -Identity out, or give a backup: Compare-PgDatabase $backup $target -Identity …"));
            return;
        }

        if (!Understand(() => (reference, difference) = (Side(Reference, Difference), Side(Difference, Reference))))
        {
            return;
        }

        var result = RunAndWrite((sink, token) => new CompareDatabase().RunAsync(
            new CompareDatabaseRequest
            {
                ReferenceTarget = reference is null ? null : Credentials.Apply(reference, Credential),
                ReferenceBackup = backup,
                Difference = other is null ? Credentials.Apply(difference ?? TargetParser.FromEnvironment(), Credential) : null,
                DifferenceBackup = other,
                Identity = Identity is null ? null : FullPath(Identity),
                Detailed = Detailed,
                MaxRows = MaxRows,
                ExcludedSchemas = ExcludeSchema,
                Jobs = Jobs,
                LockTimeout = LockTimeout,
            },
            sink,
            token));
        if (result is { Passed: false } && Strict)
        {
            WriteFailure(FailedChecks.Error(result.Difference, result.Checks, result));
        }
    }

    /// <summary>A side as a target; null when it is a backup or was not given.</summary>
    private static PgTarget? Side(object? side, object? other) => side switch
    {
        string name => (other as PgTarget)?.WithDatabase(name) ?? TargetParser.Parse(name),
        _ => side as PgTarget,
    };
}
