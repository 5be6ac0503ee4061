using System.Management.Automation;
using System.Security;
using System.Security.Cryptography.X509Certificates;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Backups;
using PgOps.Core.Repository;

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

    /// <summary>Directory (in parallel), Custom (one file), or Plain (a script, packed by gzip).</summary>
    [Parameter]
    public PgBackupFormat Format { get; set; } = PgBackupFormat.Directory;

    /// <summary>Parallel sessions for the dump and for the fingerprint. Default: the processors, at most 4.</summary>
    [Parameter]
    [ValidateRange(1, 64)]
    public int? Jobs { get; set; }

    /// <summary>
    /// Archive counts every row in the source and hashes the rows of the finished archive; Source also hashes them in the source, inside
    /// the snapshot; Counts only counts; None lists the tables.
    /// </summary>
    [Parameter]
    public PgFingerprintDepth Fingerprint { get; set; } = PgFingerprintDepth.Archive;

    /// <summary>
    /// pg_dump's --compress, for example 6, lz4 or zstd:3 where the installed pg_dump has them. Default: zstd level 1 or lz4 where
    /// pg_dump has it (from version 16 on), else gzip level 1.
    /// </summary>
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

    /// <summary>Only these schemas, by pg_dump's patterns. A part of a database is not a proof for a migration.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] Schema { get; set; } = [];

    /// <summary>
    /// How long to wait for a lock that others hold on a table, for example 5min. Default: as long as it takes; who holds it is said after
    /// three seconds.
    /// </summary>
    [Parameter]
    [TimeSpanAmount]
    public TimeSpan? LockTimeout { get; set; }

    /// <summary>Not these schemas.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] ExcludeSchema { get; set; } = [];

    /// <summary>Only these tables, by pg_dump's patterns, without what they depend on.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] Table { get; set; } = [];

    /// <summary>Not these tables.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] ExcludeTable { get; set; } = [];

    /// <summary>Of these tables the definition without the rows.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] ExcludeTableData { get; set; } = [];

    /// <summary>Definitions without rows.</summary>
    [Parameter]
    public SwitchParameter SchemaOnly { get; set; }

    /// <summary>
    /// Rows without definitions. Restore-PgDatabase and Test-PgRestore refuse such a backup: pg_restore --data-only puts it into a
    /// database that has the tables.
    /// </summary>
    [Parameter]
    public SwitchParameter DataOnly { get; set; }

    /// <summary>Leaves large objects out.</summary>
    [Parameter]
    public SwitchParameter NoLargeObjects { get; set; }

    /// <summary>
    /// A short plain name, for example pre-migration. Get-PgBackup -Label finds it, and no rule of Remove-PgBackup removes a labelled
    /// backup unless -IncludeLabelled says so.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Label { get; set; }

    /// <summary>
    /// Holds the backup until this moment: Remove-PgBackup removes it before by name and with -Force alone. A date, or text such as
    /// 2027-01-31 or 2027-01-31T18:30:00Z. Without Z it is local.
    /// </summary>
    [Parameter]
    [ValidateNotNull]
    [DateAmount]
    public DateTimeOffset? KeepUntil { get; set; }

    /// <summary>
    /// Delivers the dump alone, as one file with its hash beside it, for scripts that expect that: name.sql.gz with -Format Plain,
    /// name.dump with -Format Custom, and .sha256. Without a manifest it is a dump that PgOps did not make, and proves nothing.
    /// </summary>
    [Parameter]
    public SwitchParameter SingleFile { get; set; }

    /// <summary>
    /// The single file's name without its ending. {utc}, {database} and {label} in it stand for the snapshot's time, the database and
    /// -Label. Default: {database}_{utc}.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? FileName { get; set; }

    /// <summary>
    /// Encrypts the backup for those who hold the secret key: public keys of age (age1…, or SSH public keys, or a file of such), or what
    /// gpg knows a public key by, best its fingerprint; all of one kind.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] Recipient { get; set; } = [];

    /// <summary>
    /// Signs the backup with this certificate and its private key: the certificate, its file, or its thumbprint in the user's or the
    /// machine's store.
    /// </summary>
    [Parameter]
    [CertificateTransformation]
    public X509Certificate2? SigningCertificate { get; set; }

    /// <summary>Signs the backup with this secret instead of a certificate; at least 16 characters, better a long random one.</summary>
    [Parameter]
    public SecureString? SigningKey { get; set; }

    /// <summary>Begins although the disk seems to have too little room. With -SingleFile it replaces a file of that name.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>The folder with pg_dump. Default: looked for.</summary>
    [Parameter]
    public string? BinPath { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var request = default(BackupDatabaseRequest);
        string[] copies = [];
        if (!Understand(() =>
            {
                request = Request();
                copies = [.. CopyTo.Select(FullPlace)];
                CopyBackup.RequireUsable(copies);
                RequireManifest();
            }))
        {
            return;
        }

        using var key = request!.SigningKey;
        if (WhatIfRequested)
        {
            Preview(async (sink, token) =>
            [
                await new PreviewBackup().RunAsync(request!, sink, token).ConfigureAwait(false),
                .. copies.Select(copy => $"Copy the backup to {copy}."),
            ]);
        }
        else if (ShouldProcess(
            $"{request!.Target}",
            $"Back up with pg_dump, {Format} format, to a new {(SingleFile ? "file" : "folder")} in '{request.Path}'"))
        {
            RunAndWrite(async (sink, token) =>
            {
                var backup = await new BackupDatabase().RunAsync(request, sink, token).ConfigureAwait(false);
                await new CopyBackup().FollowUpAsync(backup, copies, sink, token).ConfigureAwait(false);
                return backup;
            });
        }
    }

    private void RequireManifest()
    {
        if (SingleFile && CopyTo.Length > 0)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument, "A single file has no manifest, so nothing says what a whole copy of it would be.",
                "Nothing was written.", "Leave -CopyTo or -SingleFile out.");
        }
    }

    /// <summary>The full path of a file of recipients; null when it is not a file's name.</summary>
    private string? RecipientFile(string recipient)
        => !recipient.StartsWith("ssh-", StringComparison.Ordinal) && FullPath(recipient) is var path && File.Exists(path) ? path : null;

    private BackupDatabaseRequest Request() => new()
    {
        Target = ResolveTarget(),
        Path = FullPath(Path),
        Format = Format,
        Jobs = Jobs,
        LockTimeout = LockTimeout,
        Fingerprint = Fingerprint,
        Compression = Compression,
        NoGlobals = NoGlobals,
        Force = Force,
        SingleFile = SingleFile,
        FileName = FileName,
        Label = Label,
        KeepUntil = KeepUntil?.UtcDateTime,
        Recipients = [.. Recipient.Select(recipient => RecipientFile(recipient) ?? recipient)],
        SigningKey = SigningParameters.Key(SigningCertificate, SigningKey),
        Selection = new DumpSelection
        {
            Schemas = Schema,
            ExcludedSchemas = ExcludeSchema,
            Tables = Table,
            ExcludedTables = ExcludeTable,
            ExcludedTableData = ExcludeTableData,
            SchemaOnly = SchemaOnly,
            DataOnly = DataOnly,
            NoLargeObjects = NoLargeObjects,
        },
        BinPath = BinPath is null ? null : FullPath(BinPath),
    };
}
