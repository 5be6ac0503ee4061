using PgOps.Core.Postgres.ClientTools;

namespace PgOps.Core.Postgres.Sandbox;

/// <summary>How this operating system makes, runs, ends and removes sandboxes.</summary>
internal abstract class SandboxHost
{
    /// <summary>What every sandbox folder's name begins with; nothing else is ever listed or removed.</summary>
    internal const string FolderPrefix = "pgops-";

    /// <summary>How long a server may take to stop and its folder to go.</summary>
    internal static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(120);

    /// <summary>The operating system's user that sandboxes run as.</summary>
    internal abstract string Account { get; }

    /// <summary>PgOps' own cache folder.</summary>
    internal abstract string CacheFolder { get; }

    /// <summary>The host of this machine.</summary>
    internal static SandboxHost Current() =>
        OperatingSystem.IsWindows() ? new WindowsSandboxHost() : new UnixSandboxHost(SandboxAccount.Current());

    /// <summary>The folder that holds sandboxes.</summary>
    /// <param name="requested">The caller's choice, or null.</param>
    internal string RootFolder(string? requested) =>
        string.IsNullOrEmpty(requested) ? Path.Combine(CacheFolder, "sandboxes") : Path.GetFullPath(requested);

    /// <summary>Makes the folder that the sandboxes or templates go into, where there is none.</summary>
    internal abstract Task MakeRootAsync(string path, CancellationToken cancellationToken);

    /// <summary>Where a sandbox's server listens.</summary>
    internal abstract (string Host, int Port) AddressOf(string folder);

    /// <summary>The settings that keep it listening there and nowhere else.</summary>
    internal abstract IReadOnlyDictionary<string, string> ListenSettings(string host, int port);

    /// <summary>Makes a template folder: complete, or not at all.</summary>
    internal abstract Task MakeTemplateAsync(
        string folder, PostgresInstallation installation, string password, CancellationToken cancellationToken);

    /// <summary>Brings a server up until it accepts connections; on any failure nothing stays.</summary>
    internal abstract Task<(SandboxSupervisor Supervisor, SandboxRecord Record)> StartAsync(
        SandboxPlan plan, CancellationToken cancellationToken);

    /// <summary>Replaces the record in a sandbox's folder.</summary>
    internal abstract Task AnnounceAsync(SandboxSupervisor supervisor, string folder, SandboxRecord record);

    /// <summary>Asks another process's sandbox to end.</summary>
    internal abstract Task AskToStopAsync(string folder, SandboxRecord record, CancellationToken cancellationToken);

    /// <summary>Ends and removes a sandbox that nobody supervises any more.</summary>
    internal abstract Task RemoveAsync(string folder, CancellationToken cancellationToken);

    /// <summary>
    /// Reads whether a postmaster says it is ready (https://github.com/postgres/postgres/blob/master/src/include/utils/pidfile.h).
    /// </summary>
    /// <param name="dataFolder">The data directory.</param>
    /// <returns>Its process id; null while it is not ready.</returns>
    internal static int? ReadyPostmaster(string dataFolder)
    {
        try
        {
            var lines = File.ReadAllLines(Path.Combine(dataFolder, "postmaster.pid"));
            return lines.Length >= 8 && lines[7].Trim() == "ready" && int.TryParse(lines[0], out var processId) ? processId : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The error of a server that did not come up.</summary>
    /// <param name="reason">What is known: the last lines of its log.</param>
    /// <param name="cause">The exception behind it, if any.</param>
    internal PgOpsException NotStarted(string reason, Exception? cause = null) => new(
        PgErrorCode.SandboxFailed,
        $"The sandbox did not start (as user {Account}): {reason.Trim().ReplaceLineEndings("\n  ")}",
        "the sandbox's folder and processes have been removed",
        "Correct what the last lines name: a setting, the room on the disk, or the rights on the sandboxes' folder.",
        cause);
}
