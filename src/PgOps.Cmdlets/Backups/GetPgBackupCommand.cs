using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Backups;

namespace PgOps.Cmdlets.Backups;

/// <summary>Lists the backups in a folder or store, newest first: complete or not, proven or not.</summary>
[Cmdlet(VerbsCommon.Get, "PgBackup")]
[OutputType(typeof(PgBackup))]
public sealed class GetPgBackupCommand : PgCmdlet
{
    /// <summary>The folder that holds the backups, or one backup's own; or the URI of either in a store.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "./backups";

    /// <summary>Only backups of this database.</summary>
    [Parameter]
    public string? Database { get; set; }

    /// <summary>Only the newest complete one of each database.</summary>
    [Parameter]
    public SwitchParameter Latest { get; set; }

    /// <summary>Only backups whose drill passed.</summary>
    [Parameter]
    public SwitchParameter Proven { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Run(async (sink, token) =>
    {
        var request = new FindBackupsRequest { Path = FullPlace(Path), Database = Database, Latest = Latest };
        foreach (var backup in await new FindBackups().RunAsync(request, sink, token).ConfigureAwait(false))
        {
            if (backup.Proven || !Proven)
            {
                sink.Output(backup);
            }
        }
    });
}
