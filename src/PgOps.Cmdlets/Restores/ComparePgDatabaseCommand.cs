using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Connections;
using PgOps.Core.Restores;

namespace PgOps.Cmdlets.Restores;

/// <summary>Compares the content of two databases, or of a backup's manifest and a database: every table's count and content.</summary>
[Cmdlet(VerbsData.Compare, "PgDatabase", DefaultParameterSetName = "Database")]
[OutputType(typeof(PgComparison))]
public sealed class ComparePgDatabaseCommand : PgCmdlet
{
    /// <summary>The database that is taken to be right.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Database")]
    [TargetTransformation]
    public PgTarget? Reference { get; set; }

    /// <summary>The backup that is taken to be right: its folder, or the object of Backup-PgDatabase or Get-PgBackup.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Backup", ValueFromPipeline = true)]
    [BackupTransformation]
    public PgBackup? Backup { get; set; }

    /// <summary>
    /// The identity file that decrypts the backup's manifest, when the backup was made with -Recipient for age. gpg takes its keys from
    /// its own keyring.
    /// </summary>
    [Parameter(ParameterSetName = "Backup")]
    [ValidateNotNullOrEmpty]
    public string? Identity { get; set; }

    /// <summary>The database to hold against it. Default: DATABASE_URL, then the PG* variables.</summary>
    [Parameter(Position = 1)]
    [TargetTransformation]
    public PgTarget? Difference { get; set; }

    /// <summary>User name and password to log in with on both sides, instead of the targets' own.</summary>
    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>Parallel sessions for each side. Default: the processors, at most 8.</summary>
    [Parameter]
    [ValidateRange(1, 64)]
    public int? Jobs { get; set; }

    /// <summary>Makes a difference an error, so that a runbook turns red.</summary>
    [Parameter]
    public SwitchParameter Strict { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var result = RunAndWrite((sink, token) => new CompareDatabase().RunAsync(
            new CompareDatabaseRequest
            {
                ReferenceTarget = Reference is null ? null : Credentials.Apply(Reference, Credential),
                ReferenceBackup = Backup,
                Identity = Identity is null ? null : FullPath(Identity),
                Difference = Credentials.Apply(Difference ?? TargetParser.FromEnvironment(), Credential),
                Jobs = Jobs,
            },
            sink,
            token));
        if (result is { Passed: false } && Strict)
        {
            WriteFailure(FailedChecks.Error(result.Difference, result.Checks, result));
        }
    }
}
