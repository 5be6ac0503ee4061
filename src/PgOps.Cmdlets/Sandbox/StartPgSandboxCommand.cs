using System.Collections;
using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Postgres.Sandbox;

namespace PgOps.Cmdlets.Sandbox;

/// <summary>
/// Starts a throwaway PostgreSQL server: on a private socket (on Windows: loopback), with a random password, tuned for speed and not
/// for safety. It disappears with this process, also when the process is killed.
/// </summary>
[Cmdlet(VerbsLifecycle.Start, "PgSandbox", SupportsShouldProcess = true)]
[OutputType(typeof(PgSandbox))]
public sealed class StartPgSandboxCommand : PgCmdlet
{
    /// <summary>Name of a database to create and hand out. Default: postgres.</summary>
    [Parameter(Position = 0)]
    [ValidateNotNullOrEmpty]
    public string Database { get; set; } = "postgres";

    /// <summary>PostgreSQL's major version. Default: the newest installed.</summary>
    [Parameter]
    [ValidateRange(13, 99)]
    public int? ServerVersion { get; set; }

    /// <summary>The folder with the server programs (initdb, postgres). Default: looked for.</summary>
    [Parameter]
    public string? BinPath { get; set; }

    /// <summary>The folder that holds sandboxes; a big restore needs a disk with room. Default: in the user's cache folder.</summary>
    [Parameter]
    public string? SandboxPath { get; set; }

    /// <summary>A name of your own. Default: made up.</summary>
    [Parameter]
    public string? Name { get; set; }

    /// <summary>Settings for postgresql.conf, such as <c>@{ wal_level = 'logical' }</c>.</summary>
    [Parameter]
    public Hashtable? Setting { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (!ShouldProcess(Database, "Start a throwaway PostgreSQL server"))
        {
            return;
        }

        var request = default(StartSandboxRequest);
        if (Understand(() => request = Request()))
        {
            RunAndWrite((sink, token) => new StartSandbox().RunAsync(request!, sink, token));
        }
    }

    private StartSandboxRequest Request() => new()
    {
        Database = Database,
        Version = ServerVersion,
        BinPath = BinPath is null ? null : FullPath(BinPath),
        Path = SandboxPath is null ? null : FullPath(SandboxPath),
        Name = Name,
        Settings = Setting?.Cast<DictionaryEntry>()
            .ToDictionary(entry => $"{entry.Key}", entry => $"{entry.Value}", StringComparer.Ordinal) ?? [],
    };
}
