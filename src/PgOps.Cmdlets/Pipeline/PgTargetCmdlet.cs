using System.Management.Automation;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>Base of the cmdlets that work on one database at a time.</summary>
public abstract class PgTargetCmdlet : PgCmdlet
{
    /// <summary>
    /// The database: a postgresql:// URI (also Prisma's), <c>host=… dbname=…</c>, an Npgsql connection string, <c>service=…</c>, a
    /// database's name, or the object of New-PgTarget or Start-PgSandbox. Default: DATABASE_URL, then the PG* variables; a
    /// bare name is a database on the same server as they name.
    /// </summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [TargetTransformation]
    public virtual PgTarget? Target { get; set; }

    /// <summary>User name and password to log in with, instead of the target's own.</summary>
    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>The target to work on, with the credential applied.</summary>
    /// <returns>The given target or the environment's.</returns>
    protected PgTarget ResolveTarget() => Credentials.Apply(Target ?? TargetParser.FromEnvironment(), Credential);
}
