using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Cmdlets.Targets;

/// <summary>Makes a target: one database on one server and how to reach it.</summary>
[Cmdlet(VerbsCommon.New, "PgTarget")]
[OutputType(typeof(PgTarget))]
public sealed class NewPgTargetCommand : PgCmdlet
{
    /// <summary>
    /// The target as one text: a URI, <c>host=… dbname=…</c>, an Npgsql connection string or <c>service=…</c>. The other parameters
    /// replace its parts.
    /// </summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("ConnectionString", "Url")]
    [TargetTransformation]
    public PgTarget? Uri { get; set; }

    /// <summary>Host name, address, or the folder of a Unix socket. Default: PGHOST, then the local server.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Alias("HostName", "Server")]
    public string? ComputerName { get; set; }

    /// <summary>Port. Default: PGPORT, then 5432.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateRange(1, 65535)]
    public int Port { get; set; }

    /// <summary>The database. Default: PGDATABASE, then the user's name.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? Database { get; set; }

    /// <summary>The role to log in as. Default: PGUSER, then the operating system's user.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? Username { get; set; }

    /// <summary>User name and password.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>libpq's sslmode.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public PgSslMode? SslMode { get; set; }

    /// <summary>File with the trusted root certificates.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? SslRootCertificate { get; set; }

    /// <summary>File with the client certificate.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? SslCertificate { get; set; }

    /// <summary>File with the client certificate's key.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? SslKey { get; set; }

    /// <summary>Schema that unqualified names are created in.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? Schema { get; set; }

    /// <summary>A label of your own, shown in fleets.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? Name { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        try
        {
            WriteObject(Credentials.Apply(Build(), Credential));
        }
        catch (PgOpsException error)
        {
            WriteFailure(error);
        }
    }

    private PgTarget Build()
    {
        var target = Uri ?? TargetParser.FromParts(ComputerName, Port == 0 ? null : Port, Database, Username);
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
}
