using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Repository;

namespace PgOps.Cmdlets.Backups;

/// <summary>
/// Copies backups to or from a folder, an S3 service, or anything that rclone reaches; goes on where an earlier run stopped, and checks
/// every file's hash at the far end.
/// </summary>
[Cmdlet(VerbsCommon.Copy, "PgBackup", SupportsShouldProcess = true)]
[OutputType(typeof(PgBackup))]
public sealed class CopyPgBackupCommand : PgCmdlet
{
    /// <summary>
    /// The backups: their folders, their URIs in a store, or the objects of Backup-PgDatabase, Get-PgBackup or Test-PgRestore.
    /// </summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [Alias("Path")]
    [BackupTransformation(Many = true)]
    public PgBackup[] Backup { get; set; } = [];

    /// <summary>
    /// The folder or store that will hold them, each under its own name: a path, a file:// URI, s3://bucket/prefix?endpoint=…, or
    /// rclone:remote:path. about_PgOps_Stores has the options.
    /// </summary>
    [Parameter(Mandatory = true, Position = 1)]
    [ValidateNotNullOrEmpty]
    public string Destination { get; set; } = "";

    /// <summary>The most that goes over the wire in a second, for example 5MB or 5MB/s. Default: no limit.</summary>
    [Parameter]
    [SizeAmount(PerSecond = true)]
    [ValidateRange(1024, long.MaxValue)]
    public long? BandwidthLimit { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var backup in Backup)
        {
            var request = default(CopyBackupRequest);
            if (!Understand(() =>
                request = new CopyBackupRequest { Backup = backup, Destination = FullPlace(Destination), BandwidthLimit = BandwidthLimit }))
            {
                return;
            }

            if (WhatIfRequested)
            {
                Preview(async (_, token) => [await new CopyBackup().PreviewAsync(request!, token).ConfigureAwait(false)]);
            }
            else if (ShouldProcess(backup.Path, $"Copy to {request!.Destination}"))
            {
                RunAndWrite((sink, token) => new CopyBackup().RunAsync(request, sink, token));
            }
        }
    }
}
