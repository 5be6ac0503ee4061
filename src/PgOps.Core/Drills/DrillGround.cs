using System.Globalization;
using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Postgres.Sandbox;

namespace PgOps.Core.Drills;

/// <summary>Where a drill restores: a sandbox of its own, or a given server. Disposing removes the sandbox, whatever happened.</summary>
internal sealed class DrillGround : IAsyncDisposable
{
    private readonly PgSandbox? _sandbox;
    private readonly IOperationSink _sink;

    private DrillGround(PgTarget server, string version, PgSandbox? sandbox, IOperationSink sink)
    {
        Server = server;
        Version = version;
        _sandbox = sandbox;
        _sink = sink;
    }

    /// <summary>The database to work from.</summary>
    internal PgTarget Server { get; }

    /// <summary>The server's version, for example 15.18.</summary>
    internal string Version { get; }

    /// <summary>What the drill says about it.</summary>
    internal PgCheck Check => PgCheck.Pass(
        PgCheckName.Sandbox,
        _sandbox is null
            ? $"scratch database on {Server}, PostgreSQL {Version}"
            : string.Create(
                CultureInfo.InvariantCulture, $"PostgreSQL {Version}, ready in {_sandbox.StartupTime.TotalSeconds:0.0} s"));

    /// <summary>Takes the given server, or starts a sandbox.</summary>
    /// <exception cref="PgOpsException">ToolMissing, SandboxFailed or a connection's error: the drill cannot be carried out.</exception>
    internal static async Task<DrillGround> OpenAsync(
        TestRestoreRequest request, PgBackupManifest manifest, IOperationSink sink, CancellationToken cancellationToken)
    {
        if (request.Server is { } server)
        {
            var session = await ServerConnection.OpenAsync(server, sink.Log, cancellationToken).ConfigureAwait(false);
            await using (session.ConfigureAwait(false))
            {
                return new DrillGround(server, session.VersionText(), null, sink);
            }
        }

        var sandbox = await new StartSandbox().RunAsync(
            new StartSandboxRequest
            {
                Version = request.ServerVersion ?? NearestVersion(manifest, request.BinPath),
                BinPath = request.BinPath,
                Path = request.SandboxPath,
            },
            sink,
            cancellationToken).ConfigureAwait(false);
        return new DrillGround(sandbox.Target, sandbox.ServerVersion, sandbox, sink);
    }

    /// <summary>Removes the sandbox and waits until it is gone. Never throws: what stays is logged.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_sandbox is null)
        {
            return;
        }

        try
        {
            await new StopSandbox().RunAsync(new StopSandboxRequest { Sandbox = _sandbox }, _sink, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception error) when (error is PgOpsException or IOException or NpgsqlException)
        {
            _sink.Log.SandboxNotRemoved(_sandbox.Id, error.Message);
        }
    }

    // The source's own version proves most; an older server may not take the dump at all.
    private static int? NearestVersion(PgBackupManifest manifest, string? binPath)
    {
        var source = manifest.Server.VersionNumber / 10000;
        return PostgresBinaries.List(binPath)
            .Where(installation => installation.HasServer && installation.Major >= source)
            .Select(installation => (int?)installation.Major)
            .Min() ?? source;
    }
}
