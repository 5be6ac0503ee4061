using System.Globalization;
using PgOps.Core.Postgres.Sandbox;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Peers;

/// <summary>A server that has an extension beyond PostgreSQL's own.</summary>
internal sealed class ExtensionServer : IAsyncDisposable
{
    private readonly PgSandbox _sandbox;
    private int _last;

    private ExtensionServer(string binPath, PgSandbox sandbox)
    {
        BinPath = binPath;
        _sandbox = sandbox;
    }

    /// <summary>The folder of its programs, for whoever must have the extension too.</summary>
    internal string BinPath { get; }

    /// <summary>The database postgres.</summary>
    internal PgTarget Target => _sandbox.Target;

    /// <summary>Why there is no server with it; null when there is one.</summary>
    internal static string? Missing(string extension) => Peer.Missing($"The extension {extension}", Find(extension));

    /// <summary>Starts one.</summary>
    /// <param name="extension">The extension.</param>
    /// <param name="settings">Name and value, one after the other.</param>
    internal static async Task<ExtensionServer> StartAsync(string extension, params string[] settings)
    {
        var binPath = Find(extension)!;
        var sandbox = await new StartSandbox().RunAsync(
            new StartSandboxRequest { BinPath = binPath, Settings = settings.Chunk(2).ToDictionary(pair => pair[0], pair => pair[1]) },
            new CollectingSink(),
            CancellationToken.None);
        return new ExtensionServer(binPath, sandbox);
    }

    /// <summary>A fresh database.</summary>
    /// <param name="sql">What to put into it.</param>
    /// <param name="name">Its name; null makes one up.</param>
    internal async Task<PgTarget> CreateDatabaseAsync(string sql, string? name = null)
    {
        name ??= string.Create(CultureInfo.InvariantCulture, $"extended_{++_last}");
        if (name != Target.Database)
        {
            await SandboxServer.ExecuteAsync(Target, $"CREATE DATABASE {name}");
        }

        var target = Target.WithDatabase(name);
        await SandboxServer.ExecuteAsync(target, sql);
        return target;
    }

    public async ValueTask DisposeAsync() => await new StopSandbox().RunAsync(
        new StopSandboxRequest { Sandbox = _sandbox }, new CollectingSink(), CancellationToken.None);

    // Debian's layout: /usr/lib/postgresql/15/bin and /usr/share/postgresql/15/extension.
    private static string? Find(string extension) => PeerServers.All.Reverse().Select(server => server.BinPath).FirstOrDefault(
        bin => Path.GetDirectoryName(bin) is { } home && File.Exists(Path.Combine(
            home, "..", "..", "..", "share", "postgresql", Path.GetFileName(home), "extension", extension + ".control")));
}

/// <summary>A test that needs a server with an extension.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ExtensionFactAttribute(string extension)
    : PeerFactAttribute(PostgresAvailability.Missing ?? ExtensionServer.Missing(extension));
