using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Drills;

namespace PgOps.Cmdlets.Restores;

/// <summary>
/// The restore drill: restores each backup into a sandbox, compares every table's count and content with the backup's manifest,
/// measures the time to recover, cleans up, and enters the result in the ledger beside the backups. This is what makes a backup
/// proven.
/// </summary>
[Cmdlet(VerbsDiagnostic.Test, "PgRestore")]
[OutputType(typeof(PgDrill))]
public sealed class TestPgRestoreCommand : PgSealedCmdlet
{
    /// <summary>The backup: its folder, its URI in a store, a foreign dump, or the object of Backup-PgDatabase or Get-PgBackup.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [Alias("Path")]
    [BackupTransformation]
    public PgBackup Backup { get; set; } = null!;

    /// <summary>A server to drill on, in a scratch database, instead of a sandbox.</summary>
    [Parameter]
    [TargetTransformation]
    public PgTarget? Server { get; set; }

    /// <summary>User name and password to log in to that server with, instead of the target's own.</summary>
    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>Major version of the sandbox. Default: the source's, or the nearest newer one that is installed.</summary>
    [Parameter]
    [ValidateRange(13, 99)]
    public int? ServerVersion { get; set; }

    /// <summary>Parallel sessions. Default: the processors, at most 8.</summary>
    [Parameter]
    [ValidateRange(1, 64)]
    public int? Jobs { get; set; }

    /// <summary>Makes a failed drill an error, so that a runbook turns red.</summary>
    [Parameter]
    public SwitchParameter Strict { get; set; }

    /// <summary>The folder with PostgreSQL's programs. Default: looked for.</summary>
    [Parameter]
    public string? BinPath { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var drill = RunAndWrite((sink, token) => new TestRestore().RunAsync(Request(), sink, token));
        if (drill is { Passed: false } && Strict)
        {
            WriteFailure(FailedChecks.Error(Backup.Path, drill.Checks, drill));
        }
    }

    private TestRestoreRequest Request() => new()
    {
        Backup = Backup,
        Server = Server is null ? null : Credentials.Apply(Server, Credential),
        ServerVersion = ServerVersion,
        Jobs = Jobs,
        BinPath = BinPath is null ? null : FullPath(BinPath),
        Key = Key(),
        Identity = IdentityPath,
    };
}
