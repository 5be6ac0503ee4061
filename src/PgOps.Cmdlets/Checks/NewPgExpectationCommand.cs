using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Checks;
using PgOps.Core.Comparison;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Cmdlets.Checks;

/// <summary>
/// Writes a file of expectations for Test-PgDatabase: every table and view that a database has, or had when it was backed up, with its
/// columns, their types, and its policies.
/// </summary>
[Cmdlet(VerbsCommon.New, "PgExpectation", DefaultParameterSetName = "Database", SupportsShouldProcess = true)]
[OutputType(typeof(FileInfo))]
public sealed class NewPgExpectationCommand : PgCmdlet
{
    /// <summary>
    /// The database: a postgresql:// URI (also Prisma's), <c>host=… dbname=…</c>, an Npgsql connection string, <c>service=…</c>, a
    /// database's name, or the object of New-PgTarget or Start-PgSandbox. Default: DATABASE_URL, then the PG* variables; a
    /// bare name is a database on the same server as they name.
    /// </summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = "Database")]
    [TargetTransformation]
    public PgTarget? Target { get; set; }

    /// <summary>
    /// A backup whose manifest is taken instead: its folder or URI, or the object of Backup-PgDatabase or Get-PgBackup. Nothing is
    /// restored.
    /// </summary>
    [Parameter(Mandatory = true, ParameterSetName = "Backup")]
    [BackupTransformation]
    public PgBackup? Backup { get; set; }

    /// <summary>The file. Default: the database's name and .expectations.json, in the current folder.</summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    public string? Path { get; set; }

    /// <summary>Only what is in these schemas; names as the catalog holds them, with * and ?.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] Schema { get; set; } = [];

    /// <summary>Only these tables and views, with or without their schema, with * and ?.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] Table { get; set; } = [];

    /// <summary>Not what is in these schemas.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] ExcludeSchema { get; set; } = [];

    /// <summary>Not these tables and views: partitions that come and go, for example.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] ExcludeTable { get; set; } = [];

    /// <summary>Replaces a file that is there.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>User name and password to log in with, instead of the target's own.</summary>
    [Parameter(ParameterSetName = "Database")]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var request = default(WriteExpectationsRequest);
        if (!Understand(() => request = Request()) || !ShouldProcess(request!.Path, "Write expectations"))
        {
            return;
        }

        FileInfo? file = null;
        if (Run(async (_, token) => file = await new WriteExpectations().RunAsync(request, token).ConfigureAwait(false)))
        {
            WriteObject(InvokeProvider.Item.Get([file!.FullName], force: true, literalPath: true), enumerateCollection: true);
        }
    }

    private WriteExpectationsRequest Request()
    {
        var target = Backup is null ? Credentials.Apply(Target ?? TargetParser.FromEnvironment(), Credential) : null;
        return new WriteExpectationsRequest
        {
            Target = target,
            Manifest = Backup is null ? null : CompareDatabase.ManifestOf(Backup),
            Path = FullPath(Path ?? $"{FileNameOf(target?.Database ?? Backup!.Database)}.expectations.json"),
            Schemas = Schema,
            Tables = Table,
            ExcludedSchemas = ExcludeSchema,
            ExcludedTables = ExcludeTable,
            Force = Force,
        };
    }

    private static string FileNameOf(string database)
        => string.Concat(database.Select(letter => char.IsLetterOrDigit(letter) || letter is '_' or '-' or '.' ? letter : '_'))
            .TrimStart('.');
}
