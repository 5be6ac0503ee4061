using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Backups;

namespace PgOps.Cmdlets.Backups;

/// <summary>Checks a backup's files against their hashes, its manifest, and the archive's own table of contents.</summary>
[Cmdlet(VerbsDiagnostic.Test, "PgBackup")]
[OutputType(typeof(PgBackupTest))]
public sealed class TestPgBackupCommand : PgCmdlet
{
    /// <summary>The backup: its folder, its URI in a store, or the object of Backup-PgDatabase or Get-PgBackup.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [Alias("Path")]
    [BackupTransformation]
    public PgBackup Backup { get; set; } = null!;

    /// <summary>Makes a failed check an error, so that a runbook turns red.</summary>
    [Parameter]
    public SwitchParameter Strict { get; set; }

    /// <summary>The folder with pg_restore. Default: looked for.</summary>
    [Parameter]
    public string? BinPath { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var request = new TestBackupRequest { Path = Backup.Path, BinPath = BinPath is null ? null : FullPath(BinPath) };
        var result = RunAndWrite((sink, token) => new TestBackup().RunAsync(request, sink, token));
        if (result is { Passed: false } && Strict)
        {
            WriteFailure(FailedChecks.Error(Backup.Path, result.Checks, result));
        }
    }
}
