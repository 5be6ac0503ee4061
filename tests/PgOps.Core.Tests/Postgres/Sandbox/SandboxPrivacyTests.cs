using Npgsql;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Postgres.Sandbox;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Postgres.Sandbox;

/// <summary>A sandbox holds a copy of production data: nobody else on the machine may read it.</summary>
public sealed class SandboxPrivacyTests : IAsyncLifetime
{
    private readonly CollectingSink _sink = new();
    private PgSandbox? _sandbox;

    private PgSandbox Sandbox => _sandbox!;

    public async Task InitializeAsync()
    {
        if (PostgresAvailability.SkipReason is null)
        {
            var settings = new Dictionary<string, string> { ["work_mem"] = "12MB", ["pgops.note"] = @"it's C:\x" };
            var request = new StartSandboxRequest { Database = "shop \"x\"", Settings = settings };
            _sandbox = await new StartSandbox().RunAsync(request, _sink, CancellationToken.None);
        }
    }

    public async Task DisposeAsync()
    {
        if (_sandbox is not null)
        {
            await new StopSandbox().RunAsync(new StopSandboxRequest { Sandbox = _sandbox }, _sink, CancellationToken.None);
        }
    }

    [LinuxPostgresFact]
    public async Task Listens_on_a_private_socket_alone()
    {
        Assert.Equal("", await ShowAsync("listen_addresses"));
        Assert.Equal(Sandbox.Target.Host, await ShowAsync("unix_socket_directories"));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, new DirectoryInfo(Sandbox.Path).UnixFileMode);
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite, new FileInfo(Path.Combine(Sandbox.Path, "password")).UnixFileMode);
    }

    [LinuxPostgresFact]
    public async Task A_path_too_long_for_a_socket_gets_a_short_socket_folder_that_goes_with_the_sandbox()
    {
        var parent = Directory.CreateTempSubdirectory("pgops-test-").FullName;
        await ToolProcess.RunAsync(new ToolCommand("chmod", "711", parent), CancellationToken.None);
        try
        {
            var request = new StartSandboxRequest { Path = Path.Combine(parent, new string('x', 100)) };
            var sandbox = await new StartSandbox().RunAsync(request, _sink, CancellationToken.None);
            Assert.StartsWith("/tmp/pgops-", sandbox.Target.Host, StringComparison.Ordinal);
            Assert.Equal(1, await SandboxServer.ExecuteAsync(sandbox.Target, "SELECT 1"));
            await new StopSandbox().RunAsync(new StopSandboxRequest { Sandbox = sandbox }, _sink, CancellationToken.None);
            Assert.False(Directory.Exists(sandbox.Path));
            Assert.False(Directory.Exists(sandbox.Target.Host));
        }
        finally
        {
            Directory.Delete(parent, recursive: true);
        }
    }

    [PostgresFact]
    public async Task Lets_nobody_in_without_its_own_password()
    {
        var error = await Assert.ThrowsAsync<PostgresException>(
            () => SandboxServer.OpenAsync(Sandbox.Target.WithPassword(new PgSecret("guess"))));
        Assert.Equal("28P01", error.SqlState);
        var templates = Path.Combine(SandboxHost.Current().CacheFolder, "templates");
        foreach (var file in Directory.GetFiles(templates, "password", SearchOption.AllDirectories))
        {
            var template = new PgSecret((await File.ReadAllTextAsync(file)).Trim());
            await Assert.ThrowsAsync<PostgresException>(() => SandboxServer.OpenAsync(Sandbox.Target.WithPassword(template)));
        }
    }

    [LinuxPostgresFact]
    public async Task Shows_its_password_in_no_record_log_or_command_line()
    {
        var password = Sandbox.Target.Password!.Reveal();
        var record = SandboxRecord.Read(Sandbox.Path)!;
        Assert.DoesNotContain(password, record.ToLine(), StringComparison.Ordinal);
        Assert.DoesNotContain(password, await File.ReadAllTextAsync(Path.Combine(Sandbox.Path, "server.log")), StringComparison.Ordinal);
        Assert.DoesNotContain(
            password, await File.ReadAllTextAsync($"/proc/{record.SupervisorProcessId}/cmdline"), StringComparison.Ordinal);
        Assert.All(_sink.Lines, line => Assert.DoesNotContain(password, line.Text, StringComparison.Ordinal));
    }

    [PostgresFact]
    public async Task Is_tuned_for_speed_and_takes_the_callers_settings()
    {
        Assert.Equal("off", await ShowAsync("fsync"));
        Assert.Equal("minimal", await ShowAsync("wal_level"));
        Assert.Equal("12MB", await ShowAsync("work_mem"));
        Assert.Equal(@"it's C:\x", await ShowAsync("pgops.note"));
        Assert.Equal(Sandbox.Id, await ShowAsync("pgops.sandbox_id"));
        Assert.Equal("UTF8", await ShowAsync("server_encoding"));
        Assert.Equal("off", await ShowAsync("data_checksums"));
        Assert.Equal("shop \"x\"", await SandboxServer.ExecuteAsync(Sandbox.Target, "SELECT current_database()"));
    }

    [Theory]
    [InlineData("listen_addresses")]
    [InlineData("Port")]
    [InlineData("pgops.sandbox_id")]
    [InlineData("bad name")]
    public void Refuses_settings_that_would_open_it_or_are_none(string name)
    {
        var error = Assert.Throws<PgOpsException>(() => SandboxSettings.Compose(
            new Dictionary<string, string>(), new Dictionary<string, string> { [name] = "x" }));
        Assert.Equal(PgErrorCode.InvalidArgument, error.Code);
    }

    [Fact]
    public void Asking_for_replication_drops_the_minimal_wal_that_excludes_it()
    {
        var lines = SandboxSettings.Compose(
            new Dictionary<string, string>(), new Dictionary<string, string> { ["max_wal_senders"] = "4" });
        Assert.DoesNotContain(lines, line => line.StartsWith("wal_level", StringComparison.Ordinal));
        Assert.Contains("max_wal_senders = '4'", lines);
    }

    private async Task<string?> ShowAsync(string setting) =>
        await SandboxServer.ExecuteAsync(Sandbox.Target, $"SHOW {setting}") as string;
}
