using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Backups;
using PgOps.Core.Stores;

namespace PgOps.Cmdlets.Backups;

/// <summary>
/// Backs a database up with pg_dump, and takes the rows' counts and content hashes in the same snapshot, so that a restored copy can
/// be held against what the database was.
/// </summary>
[Cmdlet(VerbsData.Backup, "PgDatabase", SupportsShouldProcess = true)]
[OutputType(typeof(PgBackup))]
public sealed class BackupPgDatabaseCommand : PgTargetCmdlet
{
    /// <summary>The folder that holds the backups; each becomes a folder of its own in it.</summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "./backups";

    /// <summary>Directory (in parallel) or Custom (one file).</summary>
    [Parameter]
    public PgBackupFormat Format { get; set; } = PgBackupFormat.Directory;

    /// <summary>Parallel sessions for the dump and for the fingerprint. Default: the processors, at most 4.</summary>
    [Parameter]
    [ValidateRange(1, 64)]
    public int? Jobs { get; set; }

    /// <summary>Source reads every row inside the snapshot and hashes it; Counts only counts; None lists the tables.</summary>
    [Parameter]
    public PgFingerprintDepth Fingerprint { get; set; } = PgFingerprintDepth.Source;

    /// <summary>pg_dump's --compress, for example 6, lz4 or zstd:3 where the installed pg_dump has them. Default: gzip level 1.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Compression { get; set; }

    /// <summary>Leaves globals.sql (the roles, without passwords) out.</summary>
    [Parameter]
    public SwitchParameter NoGlobals { get; set; }

    /// <summary>
    /// Folders and stores that get a copy once the backup is complete: paths or URIs as Copy-PgBackup takes them. A copy that fails is
    /// an error that says where the backup lies.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] CopyTo { get; set; } = [];

    /// <summary>The folder with pg_dump. Default: looked for.</summary>
    [Parameter]
    public string? BinPath { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var request = default(BackupDatabaseRequest);
        string[] copies = [];
        if (!Run((_, _) =>
            {
                request = Request();
                copies = [.. CopyTo.Select(FullPlace)];
                CopyBackup.RequireUsable(copies);
                return Task.CompletedTask;
            }))
        {
            return;
        }

        if (WhatIfRequested)
        {
            Preview(async (sink, token) =>
            [
                await new PreviewBackup().RunAsync(request!, sink, token).ConfigureAwait(false),
                .. copies.Select(copy => $"Copy the backup to {copy}."),
            ]);
        }
        else if (ShouldProcess($"{request!.Target}", $"Back up with pg_dump, {Format} format, to a new folder in '{request.Path}'"))
        {
            RunAndWrite(async (sink, token) =>
            {
                var backup = await new BackupDatabase().RunAsync(request, sink, token).ConfigureAwait(false);
                await new CopyBackup().FollowUpAsync(backup, copies, sink, token).ConfigureAwait(false);
                return backup;
            });
        }
    }

    private BackupDatabaseRequest Request() => new()
    {
        Target = ResolveTarget(),
        Path = FullPath(Path),
        Format = Format,
        Jobs = Jobs,
        Fingerprint = Fingerprint,
        Compression = Compression,
        NoGlobals = NoGlobals,
        BinPath = BinPath is null ? null : FullPath(BinPath),
    };
}
