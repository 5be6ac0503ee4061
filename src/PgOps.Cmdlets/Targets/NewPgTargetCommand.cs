using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Cmdlets.Targets;

/// <summary>Makes a target: one database on one server and how to reach it.</summary>
[Cmdlet(VerbsCommon.New, "PgTarget")]
[OutputType(typeof(PgTarget))]
public sealed class NewPgTargetCommand : PgCmdlet
{
    private readonly HashSet<string> _said = new(StringComparer.Ordinal);
    private readonly List<PgTarget> _withoutPassword = [];

    /// <summary>
    /// The target as one text: a URI, <c>host=… dbname=…</c>, an Npgsql connection string or <c>service=…</c>; or another target. The
    /// other parameters, and the properties of what comes down the pipeline, replace its parts.
    /// </summary>
    [Parameter(Position = 0)]
    [Alias("ConnectionString", "Url")]
    [TargetTransformation(KeepsNames = true)]
    public object? Uri { get; set; }

    /// <summary>
    /// The target as an object: a row of Import-Csv, an object of ConvertFrom-Json or Import-Clixml, a target that a job gave back, a
    /// hashtable, or one text. Its properties may have the names of a target's own (Host, Port, Database, Username, SslMode …), of these
    /// parameters, or of libpq's and Npgsql's keywords. Empty ones count as left out; one that looks like a slip is an error.
    /// </summary>
    [Parameter(ValueFromPipeline = true)]
    [ValidateNotNull]
    public PSObject? InputObject { get; set; }

    /// <summary>Host name, address, or the folder of a Unix socket. Default: PGHOST, then the local server.</summary>
    [Parameter]
    [Alias("Host", "HostName", "Server")]
    [ValidateNotNullOrEmpty]
    public string? ComputerName { get; set; }

    /// <summary>Port. Default: PGPORT, then 5432.</summary>
    [Parameter]
    [ValidateRange(1, 65535)]
    public int Port { get; set; }

    /// <summary>The database. Default: PGDATABASE, then the user's name.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Database { get; set; }

    /// <summary>The role to log in as. Default: PGUSER, then the operating system's user.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Username { get; set; }

    /// <summary>User name and password.</summary>
    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>libpq's sslmode.</summary>
    [Parameter]
    public PgSslMode? SslMode { get; set; }

    /// <summary>File with the trusted root certificates.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? SslRootCertificate { get; set; }

    /// <summary>File with the client certificate.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? SslCertificate { get; set; }

    /// <summary>File with the client certificate's key.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? SslKey { get; set; }

    /// <summary>Schema that unqualified names are created in.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Schema { get; set; }

    /// <summary>A label of your own, shown in fleets.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var target = default(PgTarget);
        if (!Understand(() => target = Credentials.Apply(Build(), Credential)))
        {
            return;
        }

        if (TargetParser.LacksItsPassword(target!))
        {
            _withoutPassword.Add(target!);
        }

        WriteObject(target);
    }

    /// <summary>One warning for a whole fleet.</summary>
    protected override void EndProcessing()
    {
        if (_withoutPassword.Count > 0)
        {
            WriteWarning(
                $"The password of {string.Join(", ", _withoutPassword)} did not come along: files, JSON and jobs do not carry it. "
                + "Give it with -Credential, PGPASSWORD or a password file.");
        }
    }

    private PgTarget Build()
    {
        var target = Start();
        return target with
        {
            Host = ComputerName ?? target.Host,
            Port = Port == 0 ? target.Port : Port,
            Database = Database ?? target.Database,
            Username = Username ?? target.Username,
            SslMode = SslMode ?? target.SslMode,
            SslRootCertificate = SslRootCertificate ?? target.SslRootCertificate,
            SslCertificate = SslCertificate ?? target.SslCertificate,
            SslKey = SslKey ?? target.SslKey,
            Schema = Schema ?? target.Schema,
            Name = Name ?? target.Name,
        };
    }

    /// <summary>The target whose parts the other parameters replace.</summary>
    private PgTarget Start()
    {
        if (InputObject is null)
        {
            // A bare name beside -ComputerName says nothing about another server, whose password must not go there.
            return Uri as PgTarget
                ?? (Uri is string name && ComputerName is null ? TargetParser.Parse(name) : null)
                ?? TargetParser.FromParts(ComputerName, Port == 0 ? null : Port, Database ?? Uri as string, Username);
        }

        if (ReturnedObject.Bag(InputObject) is { } bag && ReturnedObject.Kind(bag) is null or nameof(PgTarget))
        {
            return Read(ReturnedObject.Bag(InputObject)!);
        }

        return Uri is null
            ? TargetTransformationAttribute.One(InputObject) ?? TargetParser.FromEnvironment()
            : throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"Both -Uri and a {InputObject.BaseObject.GetType().Name} down the pipeline say which target is meant.",
                null,
                "Leave -Uri out, or pipe objects whose properties replace its parts.");
    }

    private PgTarget Read(PSObject bag)
    {
        var columns = ReturnedObject.Columns(bag).ToList();
        if (Uri is string name)
        {
            columns.Add(KeyValuePair.Create<string, string?>("dbname", name));
        }

        var record = TargetParser.FromRecord(columns, Uri as PgTarget);
        var said = record.PassedOver.Count > 0
            ? $"Passed over, for a target has no such part: {string.Join(", ", record.PassedOver)}."
            : "";
        if (!record.NamesServer && ComputerName is null)
        {
            // Empty cells are seen row by row: one without a server among a hundred leads elsewhere than its neighbours.
            WriteWarning($"No column says which server, so {record.Target} is meant. {said}".TrimEnd());
        }
        else if (said.Length > 0 && _said.Add(said))
        {
            WriteVerbose(said);
        }

        return record.Target;
    }
}
