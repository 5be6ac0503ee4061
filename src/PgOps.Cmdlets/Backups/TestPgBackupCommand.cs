using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Repository;

namespace PgOps.Cmdlets.Backups;

/// <summary>
/// Checks backups, several at a time: every file against its hash, the manifest, and the archive's own table of contents; with -Deep
/// also that everything unpacks.
/// </summary>
[Cmdlet(VerbsDiagnostic.Test, "PgBackup")]
[OutputType(typeof(PgBackupTest))]
public sealed class TestPgBackupCommand : PgPayloadCmdlet
{
    private readonly List<PgBackup> _backups = [];

    /// <summary>The backup: its folder, its URI in a store, a foreign dump, or the object of Backup-PgDatabase or Get-PgBackup.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [Alias("Path")]
    [BackupTransformation]
    public PgBackup Backup { get; set; } = null!;

    /// <summary>Unpacks everything as well, and so finds data that have the right hash but were written broken.</summary>
    [Parameter]
    public SwitchParameter Deep { get; set; }

    /// <summary>How many backups are tested side by side. Default: the processors, at most 4.</summary>
    [Parameter]
    [ValidateRange(1, 64)]
    public int ThrottleLimit { get; set; } = Math.Min(Environment.ProcessorCount, 4);

    /// <summary>Makes a failed check an error, so that a runbook turns red.</summary>
    [Parameter]
    public SwitchParameter Strict { get; set; }

    /// <summary>The folder with pg_restore. Default: looked for.</summary>
    [Parameter]
    public string? BinPath { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => _backups.Add(Backup);

    /// <inheritdoc/>
    protected override void EndProcessing() => Run((sink, token) =>
    {
        var request = new TestBackupsRequest
        {
            Paths = [.. _backups.Select(backup => backup.Path)],
            Deep = Deep,
            ThrottleLimit = ThrottleLimit,
            BinPath = BinPath is null ? null : FullPath(BinPath),
            Key = Key(),
            Identity = IdentityPath,
        };
        return new TestBackups().RunAsync(request, Strict ? new StrictSink(sink) : sink, token);
    });
}
