using System.Diagnostics;
using PgOps.Core.Common.Files;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Postgres.Sandbox;
using PgOps.Core.Tests.Support;
using Xunit.Abstractions;

namespace PgOps.Core.Tests.Postgres.Sandbox;

/// <summary>Field failure: drills that leave servers, folders and databases behind until the disk is full.</summary>
[Trait("Category", "Slow")]
public sealed class SandboxLifetimeTests
{
    private readonly CollectingSink _sink = new();
    private readonly ITestOutputHelper _output;

    public SandboxLifetimeTests(ITestOutputHelper output)
    {
        _output = output;
    }

    [PostgresFact]
    public async Task Stop_leaves_neither_folder_nor_process()
    {
        var sandbox = await StartAsync(new StartSandboxRequest());
        var supervisor = SandboxRecord.Read(sandbox.Path)!.SupervisorProcessId;
        Assert.NotNull(ProcessStamp.Of(sandbox.ServerProcessId));

        await StopAsync(sandbox);

        Assert.False(Directory.Exists(sandbox.Path));
        Assert.Null(ProcessStamp.Of(sandbox.ServerProcessId));
        Assert.Null(ProcessStamp.Of(supervisor));
    }

    [PostgresFact]
    public async Task Stopping_twice_is_no_error()
    {
        var sandbox = await StartAsync(new StartSandboxRequest());
        await StopAsync(sandbox);
        await StopAsync(sandbox);
    }

    [PostgresFact]
    public async Task Is_ready_within_two_seconds_once_its_template_exists()
    {
        await StopAsync(await StartAsync(new StartSandboxRequest()));

        // One that had to make a cluster would never be so quick; on a busy machine a start may be slow for once.
        var best = TimeSpan.MaxValue;
        for (var i = 0; i < 10 && best.TotalSeconds > 2; i++)
        {
            var sandbox = await StartAsync(new StartSandboxRequest());
            _output.WriteLine($"ready in {sandbox.StartupTime.TotalMilliseconds:0} ms");
            best = sandbox.StartupTime < best ? sandbox.StartupTime : best;
            await StopAsync(sandbox);
        }

        Assert.InRange(best.TotalSeconds, 0, 2);
    }

    [LinuxPostgresFact]
    public async Task Disappears_when_its_owner_is_killed_even_if_the_owner_has_other_children()
    {
        using var owner = await SandboxOwner.StartAsync();
        await owner.KillAsync();
        await Eventually.HoldsAsync(() => !Directory.Exists(owner.Folder), "the folder is gone");
        Assert.Null(ProcessStamp.Of(owner.Server));
        await Eventually.HoldsAsync(() => ProcessStamp.Of(owner.Supervisor) is null, "the supervisor is gone");
        Assert.NotNull(ProcessStamp.Of(owner.Child));
    }

    [LinuxPostgresFact]
    public async Task Disappears_when_its_owner_ends_normally()
    {
        using var owner = await SandboxOwner.StartAsync();
        await owner.EndAsync();
        await Eventually.HoldsAsync(() => !Directory.Exists(owner.Folder), "the folder is gone");
        Assert.Null(ProcessStamp.Of(owner.Server));
    }

    [LinuxPostgresFact]
    public async Task A_killed_supervisor_takes_the_server_with_it_and_the_next_listing_removes_the_folder()
    {
        using var owner = await SandboxOwner.StartAsync();
        using (var supervisor = Process.GetProcessById(owner.Supervisor))
        {
            supervisor.Kill();
        }

        await Eventually.HoldsAsync(() => ProcessStamp.Of(owner.Server) is null, "the server died with its supervisor");
        await ListAsync();
        Assert.True(Directory.Exists(owner.Folder), "its owner lives, so it is not a stray");

        await owner.KillAsync();
        var listed = await ListAsync();

        Assert.False(Directory.Exists(owner.Folder));
        Assert.DoesNotContain(listed, sandbox => sandbox.Path == owner.Folder);
    }

    [LinuxPostgresFact]
    public async Task A_killed_server_takes_its_sandbox_with_it()
    {
        var sandbox = await StartAsync(new StartSandboxRequest());
        var segment = Words((await File.ReadAllLinesAsync(Path.Combine(sandbox.Path, "data", "postmaster.pid")))[6])[1];
        await ToolProcess.RunAsync(new ToolCommand("kill", "-KILL", $"{sandbox.ServerProcessId}"), CancellationToken.None);
        await Eventually.HoldsAsync(() => !Directory.Exists(sandbox.Path), "the folder is gone");
        Assert.DoesNotContain(File.ReadLines("/proc/sysvipc/shm").Skip(1).Select(Words), words => words[1] == segment);
        await StopAsync(sandbox);
    }

    [LinuxPostgresFact]
    public async Task Runs_unprivileged_and_in_a_session_that_the_terminals_interrupt_does_not_reach()
    {
        var sandbox = await StartAsync(new StartSandboxRequest());
        var supervisor = SandboxRecord.Read(sandbox.Path)!.SupervisorProcessId;
        var stat = await File.ReadAllTextAsync($"/proc/{sandbox.ServerProcessId}/stat");
        Assert.Equal($"{supervisor}", stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[3]);
        Assert.DoesNotContain("Uid:\t0", await File.ReadAllTextAsync($"/proc/{sandbox.ServerProcessId}/status"), StringComparison.Ordinal);
        Assert.DoesNotContain("Uid:\t0", await File.ReadAllTextAsync($"/proc/{supervisor}/status"), StringComparison.Ordinal);
        await StopAsync(sandbox);
    }

    [LinuxPostgresFact]
    public async Task Another_process_lists_a_sandbox_with_its_credentials_and_stops_it()
    {
        using var owner = await SandboxOwner.StartAsync();
        await Eventually.HoldsAsync(() => SandboxRecord.Read(owner.Folder)?.StartedAt is not null, "the record says ready");
        var sandbox = Assert.Single(await ListAsync(), sandbox => sandbox.Path == owner.Folder);
        Assert.Equal(owner.Server, sandbox.ServerProcessId);
        Assert.Equal(1, await SandboxServer.ExecuteAsync(sandbox.Target, "SELECT 1"));

        await StopAsync(sandbox);

        Assert.False(Directory.Exists(owner.Folder));
        Assert.Null(ProcessStamp.Of(owner.Server));
    }

    [LinuxPostgresFact]
    public async Task Works_for_a_normal_user_who_has_no_template_yet()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            // Every other test here is this one then.
            return;
        }

        var home = Directory.CreateTempSubdirectory("pgops-test-").FullName;
        try
        {
            Run("chown", "nobody", home);
            var environment = new Dictionary<string, string> { ["HOME"] = home, ["XDG_CACHE_HOME"] = home, ["DOTNET_CLI_HOME"] = home };
            string[] asNobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"];
            using var owner = await SandboxOwner.StartAsync(null, asNobody, environment);
            Assert.Equal("nobody", owner.ServerUser);
            Assert.StartsWith(home, owner.Folder, StringComparison.Ordinal);
            await owner.KillAsync();
            await Eventually.HoldsAsync(() => !Directory.Exists(owner.Folder), "the folder is gone");
            Assert.Null(ProcessStamp.Of(owner.Server));
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    [LinuxPostgresFact]
    public async Task First_starts_that_race_for_the_template_all_succeed()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return;
        }

        var home = Directory.CreateTempSubdirectory("pgops-test-").FullName;
        try
        {
            Run("chown", "nobody", home);
            var environment = new Dictionary<string, string> { ["HOME"] = home, ["XDG_CACHE_HOME"] = home };
            string[] asNobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"];
            var owners = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => SandboxOwner.StartAsync(null, asNobody, environment)));
            Assert.Single(Directory.GetDirectories(Path.Combine(home, "pgops", "templates")));
            foreach (var owner in owners)
            {
                await owner.EndAsync();
                await Eventually.HoldsAsync(() => !Directory.Exists(owner.Folder), "the folder is gone");
                owner.Dispose();
            }
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    [PostgresFact]
    public async Task Several_run_side_by_side_and_stop_independently()
    {
        var sandboxes = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => StartAsync(new StartSandboxRequest())));
        Assert.Equal(3, sandboxes.Select(sandbox => sandbox.Path).Distinct().Count());
        await StopAsync(sandboxes[0]);
        Assert.Equal(sandboxes[1].Id, await SandboxServer.ExecuteAsync(sandboxes[1].Target, "SHOW pgops.sandbox_id"));
        await Task.WhenAll(StopAsync(sandboxes[1]), StopAsync(sandboxes[2]));
        Assert.All(sandboxes, sandbox => Assert.False(Directory.Exists(sandbox.Path)));
    }

    [PostgresFact]
    public async Task A_start_that_is_cancelled_leaves_nothing()
    {
        foreach (var milliseconds in new[] { 1, 40, 90, 150, 200 })
        {
            var name = $"cancel{milliseconds}-{Environment.ProcessId}";
            using var cancellation = new CancellationTokenSource(milliseconds);
            try
            {
                var sandbox = await new StartSandbox().RunAsync(new StartSandboxRequest { Name = name }, _sink, cancellation.Token);
                await StopAsync(sandbox);
            }
            catch (OperationCanceledException)
            {
                // What is asked for; a fast machine may be ready before.
            }

            Assert.False(Directory.Exists(Path.Combine(SandboxHost.Current().RootFolder(null), "pgops-" + name)));
        }
    }

    [PostgresFact]
    public async Task A_server_that_refuses_its_settings_says_why_and_leaves_nothing()
    {
        var request = new StartSandboxRequest
        {
            Name = $"refused-{Environment.ProcessId}",
            Settings = new Dictionary<string, string> { ["shared_buffers"] = "a lot" },
        };
        var error = await Assert.ThrowsAsync<PgOpsException>(() => StartAsync(request));
        Assert.Equal(PgErrorCode.SandboxFailed, error.Code);
        Assert.Contains("shared_buffers", error.Problem, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(SandboxHost.Current().RootFolder(null), "pgops-" + request.Name)));
    }

    [PostgresFact]
    public async Task A_name_in_use_is_refused_and_the_running_sandbox_stays()
    {
        var request = new StartSandboxRequest { Name = $"twice-{Environment.ProcessId}" };
        var sandbox = await StartAsync(request);
        var error = await Assert.ThrowsAsync<PgOpsException>(() => StartAsync(request));
        Assert.Equal(PgErrorCode.InvalidArgument, error.Code);
        Assert.Equal(1, await SandboxServer.ExecuteAsync(sandbox.Target, "SELECT 1"));
        await new StopSandbox().RunAsync(new StopSandboxRequest { Id = request.Name }, _sink, CancellationToken.None);
        Assert.False(Directory.Exists(sandbox.Path));
    }

    [PostgresFact]
    public async Task A_version_that_is_not_installed_is_named_with_the_command_that_installs_it()
    {
        var error = await Assert.ThrowsAsync<PgOpsException>(() => StartAsync(new StartSandboxRequest { Version = 9 }));
        Assert.Equal(PgErrorCode.ToolMissing, error.Code);
        Assert.Contains("nstall it with", error.NextStep, StringComparison.Ordinal);
    }

    private static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static void Run(string program, params string[] arguments) =>
        ToolProcess.RunAsync(new ToolCommand(program, arguments), CancellationToken.None).GetAwaiter().GetResult().EnsureSuccess();

    private Task<PgSandbox> StartAsync(StartSandboxRequest request) => new StartSandbox().RunAsync(request, _sink, CancellationToken.None);

    private Task StopAsync(PgSandbox sandbox) =>
        new StopSandbox().RunAsync(new StopSandboxRequest { Sandbox = sandbox }, _sink, CancellationToken.None);

    private Task<IReadOnlyList<PgSandbox>> ListAsync() =>
        new FindSandboxes().RunAsync(new FindSandboxesRequest(), _sink, CancellationToken.None);
}
