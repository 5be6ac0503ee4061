using PgOps.Core.Tests.Migrations;

namespace PgOps.Core.Tests.Support;

/// <summary>A migrator behind a <see cref="CuttingProxy"/> and the way in which it is disturbed.</summary>
internal sealed class Disturbed : IAsyncDisposable
{
    private readonly DisturbedMigrationTests.Way _way;
    private readonly MigrationWorkspace _workspace;
    private readonly CuttingProxy _proxy;
    private readonly MigratorProcess? _process;
    private Task? _run;

    private Disturbed(DisturbedMigrationTests.Way way, MigrationWorkspace workspace, CuttingProxy proxy, MigratorProcess? process)
    {
        _way = way;
        _workspace = workspace;
        _proxy = proxy;
        _process = process;
    }

    /// <summary>How long a process of its own takes until it is at work.</summary>
    internal TimeSpan StartUp => TimeSpan.FromMilliseconds(_process is null ? 0 : 300);

    internal bool WasDisturbed { get; private set; }

    /// <summary>Makes it ready: to be killed it needs a process of its own.</summary>
    internal static async Task<Disturbed> StartAsync(DisturbedMigrationTests.Way way, MigrationWorkspace workspace, CuttingProxy proxy)
        => new(way, workspace, proxy, way == DisturbedMigrationTests.Way.Kill
            ? await MigratorProcess.StartAsync(workspace, proxy.Target)
            : null);

    /// <summary>Lets it begin.</summary>
    internal void Go()
    {
        _process?.Go();
        _run = _process is null ? Task.Run(() => _workspace.RunAsync(request => request with { Target = _proxy.Target })) : null;
    }

    /// <summary>Kills the migrator, or ends one of its two connections.</summary>
    internal async Task DisturbAsync(int connection)
    {
        WasDisturbed = true;
        switch (_way)
        {
            case DisturbedMigrationTests.Way.Kill:
                await _process!.KillAsync();
                break;
            case DisturbedMigrationTests.Way.Terminate when _proxy.ProcessOf(connection) is { } process:
                await _workspace.ExecuteAsync($"SELECT pg_terminate_backend({process})");
                break;
            case DisturbedMigrationTests.Way.Cut:
                _proxy.Cut(connection);
                break;
        }
    }

    /// <summary>Waits for its end.</summary>
    /// <returns>Whether it did not come to its regular end.</returns>
    internal async Task<bool> EndAsync()
    {
        if (_process is not null)
        {
            return await _process.EndAsync() == "";
        }

        try
        {
            await _run!.WaitAsync(TimeSpan.FromSeconds(20));
            return false;
        }
        catch (PgOpsException error)
        {
            Assert.True(error.Code is PgErrorCode.ConnectionLost or PgErrorCode.ConnectionFailed, error.ToString());
            Assert.False(string.IsNullOrEmpty(error.NextStep), error.ToString());
            return true;
        }
    }

    public ValueTask DisposeAsync()
    {
        _process?.Dispose();
        return ValueTask.CompletedTask;
    }
}
