using System.Globalization;
using System.Runtime.Versioning;
using System.Text;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Text;
using PgOps.Core.Postgres.ClientTools;

namespace PgOps.Core.Postgres.Sandbox;

/// <summary>
/// Sandboxes on Linux: a private Unix socket, a shell as supervisor in a session of its own (so that Ctrl+C in the terminal does
/// not reach the server), everything as an unprivileged user. macOS works the same way as far as it has the programs.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal sealed class UnixSandboxHost : SandboxHost
{
    private const int SocketNumber = 5432;
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(10);
    private static readonly SemaphoreSlim GuardGate = new(1, 1);
    private static string? _guard;

    private readonly SandboxAccount _account;

    internal UnixSandboxHost(SandboxAccount account)
    {
        _account = account;
    }

    internal override string Account => _account.Name;

    internal override string CacheFolder
    {
        get
        {
            if (_account.IsOther)
            {
                return "/var/cache/pgops";
            }

            // https://specifications.freedesktop.org/basedir-spec/latest/
            var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            return Path.IsPathRooted(cache)
                ? Path.Combine(cache, "pgops")
                : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "pgops");
        }
    }

    internal override async Task MakeRootAsync(string path, CancellationToken cancellationToken)
    {
        if (Directory.Exists(path))
        {
            return;
        }

        try
        {
            // Root keeps the cache folder itself, with the template's lock, out of the other user's hands.
            _account.MakeFolder(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new PgOpsException(
                PgErrorCode.PathInaccessible,
                $"The folder {path} cannot be made: {error.Message}",
                nextStep: "Name a folder with -SandboxPath, and point XDG_CACHE_HOME to a folder that can be written.",
                innerException: error);
        }

        // ext4 passes over inodes deleted in the last minutes, one by one, so a thousand new files where a sandbox has just been
        // removed take a second instead of 40 ms. The hint puts each sandbox into a block group of its own (man chattr, attribute T).
        if (ProgramSearch.OnPath("chattr") is { } chattr)
        {
            await ToolProcess.RunAsync(_account.Command(chattr, "+T", path), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Says which folder keeps the sandbox's user out, where one does. Asked after a failure, for it costs a process.</summary>
    /// <exception cref="PgOpsException">PathInaccessible.</exception>
    private async Task RequireAccessAsync(string root, CancellationToken cancellationToken)
    {
        List<string> folders = [];
        for (var folder = root; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            folders.Insert(0, folder);
        }

        var closed = "";
        var command = _account.Command("sh", ["-c", SandboxScripts.FindClosed, "pgops-access", .. folders]) with
        {
            OnOutput = line => closed = line,
        };
        await ToolProcess.RunAsync(command, cancellationToken).ConfigureAwait(false);
        if (closed.Length == 0)
        {
            return;
        }

        var mayEnter = closed == root && folders.Count > 0;
        var argument = CommandText.Argument(closed);
        throw new PgOpsException(
            PgErrorCode.PathInaccessible,
            $"The sandbox's server runs as the user {Account}, who may not {(mayEnter ? "write to" : "enter")} the folder {closed}"
                + $"{(mayEnter ? "" : $" on the way to {root}")}.",
            "No server was started and nothing is left behind.",
            (mayEnter
                    ? $"Give it to that user, as root: chown {Account} {argument}"
                    : $"Let that user through, as root: chmod o+x {argument}")
                + $". Or take another folder: -SandboxPath names it; without it, it is {Path.Combine(CacheFolder, "sandboxes")}.");
    }

    internal override (string Host, int Port) AddressOf(string folder) => (SocketFolder(folder), SocketNumber);

    internal override IReadOnlyDictionary<string, string> ListenSettings(string host, int port) => new Dictionary<string, string>
    {
        ["listen_addresses"] = "",
        ["port"] = port.ToString(CultureInfo.InvariantCulture),
        ["unix_socket_directories"] = host,
        ["unix_socket_permissions"] = "0700",
    };

    internal override async Task MakeTemplateAsync(
        string folder, PostgresInstallation installation, string password, CancellationToken cancellationToken)
    {
        // Checksums are the default from 18 on (https://www.postgresql.org/docs/18/app-initdb.html).
        string[] options = installation.Major >= 18 ? ["--no-data-checksums"] : [];
        using var input = new MemoryStream(Encoding.ASCII.GetBytes(password + "\n"));
        var command = _account.Command(
            "sh", ["-c", SandboxScripts.MakeTemplate, "pgops-template", folder, installation.BinPath, .. options]) with
        {
            Input = input,
        };
        var result = await ToolProcess.RunAsync(command, cancellationToken).ConfigureAwait(false);
        if (result.ExitCode != 0)
        {
            await RequireAccessAsync(Path.GetDirectoryName(folder)!, cancellationToken).ConfigureAwait(false);
            throw new PgOpsException(
                PgErrorCode.SandboxFailed,
                $"initdb ({installation.BinPath}, as user {Account}) did not make a template: "
                    + $"{string.Join("\n  ", result.Errors.TakeLast(12))}",
                "nothing was left behind",
                $"Correct what the last lines name; the template goes to {folder}.");
        }
    }

    internal override async Task<(SandboxSupervisor Supervisor, SandboxRecord Record)> StartAsync(
        SandboxPlan plan, CancellationToken cancellationToken)
    {
        var polling = new Polling(plan.Timeout, PollInterval);
        var guard = await GuardAsync(cancellationToken).ConfigureAwait(false);
        var command = _account.Command(
            "sh", "-c", SandboxScripts.Supervise, "pgops-sandbox", plan.Folder, plan.Template.Folder, plan.Installation.BinPath,
            plan.Record.Host, guard);
        if (ProgramSearch.OnPath("setsid") is { } setsid)
        {
            command = new ToolCommand(setsid, [command.Program, .. command.Arguments]) { WorkingDirectory = command.WorkingDirectory };
        }

        var supervisor = SandboxSupervisor.Start(command);
        try
        {
            var record = plan.Record with { SupervisorProcessId = supervisor.ProcessId, SupervisorStamp = supervisor.Stamp };
            await supervisor.SendAsync([record.ToLine(), plan.Password, .. plan.Settings, "."]).ConfigureAwait(false);
            int? postmaster;
            while ((postmaster = ReadyPostmaster(Path.Combine(plan.Folder, "data"))) is null)
            {
                if (supervisor.HasExited)
                {
                    await RequireAccessAsync(Path.GetDirectoryName(plan.Folder)!, cancellationToken).ConfigureAwait(false);
                    throw NotStarted(await supervisor.LastWordsAsync().ConfigureAwait(false));
                }

                if (polling.IsOver)
                {
                    throw NotStarted(string.Create(CultureInfo.InvariantCulture, $"not ready after {plan.Timeout.TotalSeconds:0} s."));
                }

                await polling.PauseAsync(cancellationToken).ConfigureAwait(false);
            }

            return (supervisor, record with { ServerProcessId = postmaster.Value });
        }
        catch
        {
            using (supervisor)
            {
                await supervisor.EndAsync(plan.Folder).ConfigureAwait(false);
            }

            throw;
        }
    }

    // The folder belongs to the sandbox's user; root writes nothing into it, the supervisor does.
    internal override Task AnnounceAsync(SandboxSupervisor supervisor, string folder, SandboxRecord record) =>
        supervisor.SendAsync(record.ToLine());

    // As the sandbox's own user, so that a forged record cannot aim root's signal at a stranger's process.
    internal override Task AskToStopAsync(string folder, SandboxRecord record, CancellationToken cancellationToken) =>
        ToolProcess.RunAsync(
            _account.Command(
                "sh", "-c", "kill -TERM \"$1\"", "sh", record.SupervisorProcessId.ToString(CultureInfo.InvariantCulture)),
            cancellationToken);

    internal override async Task RemoveAsync(string folder, CancellationToken cancellationToken)
    {
        var command = _account.Command("sh", "-c", SandboxScripts.Remove, "pgops-remove", folder, SocketFolder(folder));
        var result = await ToolProcess.RunAsync(command, cancellationToken).ConfigureAwait(false);
        result.EnsureSuccess($"the sandbox's folder {folder} is still there", "Remove it by hand.");
    }

    // sockaddr_un holds 108 bytes with the closing zero on Linux, 104 on macOS (https://man7.org/linux/man-pages/man7/unix.7.html).
    private static string SocketFolder(string folder)
    {
        var longest = OperatingSystem.IsLinux() ? 107 : 103;
        var socket = $"{folder}/.s.PGSQL.{SocketNumber.ToString(CultureInfo.InvariantCulture)}";
        return Encoding.UTF8.GetByteCount(socket) <= longest ? folder : $"/tmp/{Path.GetFileName(folder)}";
    }

    // Whether setpriv can make a child die with its parent: util-linux 2.33 and later, not BusyBox. Without it a server whose
    // supervisor is killed lives until the next sweep.
    private static async Task<string> GuardAsync(CancellationToken cancellationToken)
    {
        await GuardGate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return _guard ??= await FindGuardAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            GuardGate.Release();
        }
    }

    private static async Task<string> FindGuardAsync(CancellationToken cancellationToken)
    {
        if (ProgramSearch.OnPath("setpriv") is not { } setpriv || setpriv.Contains(' ', StringComparison.Ordinal))
        {
            return "";
        }

        var probe = await ToolProcess.RunAsync(new ToolCommand(setpriv, "--pdeathsig", "QUIT", "true"), cancellationToken)
            .ConfigureAwait(false);
        return probe.ExitCode == 0 ? $"{setpriv} --pdeathsig" : "";
    }
}
