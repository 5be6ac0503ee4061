using PgOps.Core.Common.Files;
using PgOps.Core.Common.Operations;

namespace PgOps.Core.Postgres.Sandbox;

/// <summary>Ends a sandbox, of this process or of another one of the same user, and waits until its folder is gone.</summary>
public sealed class StopSandbox
{
    private readonly Func<SandboxHost> _host = SandboxHost.Current;

    /// <summary>Ends it. One that is gone already is not an error.</summary>
    /// <param name="request">Which one.</param>
    /// <param name="sink">Log lines.</param>
    /// <param name="cancellationToken">Stops waiting; the sandbox ends all the same.</param>
    /// <returns>When its server has ended and its folder is gone.</returns>
    /// <exception cref="PgOpsException"><see cref="PgErrorCode.SandboxFailed"/> when it has not ended within 30 s, or is not this
    /// user's.</exception>
    public Task RunAsync(StopSandboxRequest request, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, static () => null, () => WorkAsync(request, sink, cancellationToken));

    private async Task WorkAsync(StopSandboxRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        var host = _host();
        var folder = FolderOf(request, host);
        using var supervisor = OwnedSandboxes.Take(folder);
        if (supervisor is not null)
        {
            await supervisor.EndAsync(folder).ConfigureAwait(false);
        }
        else if (Directory.Exists(folder))
        {
            await EndOtherAsync(host, folder, cancellationToken).ConfigureAwait(false);
        }

        if (Directory.Exists(folder))
        {
            // Its supervisor was killed.
            await host.RemoveAsync(folder, cancellationToken).ConfigureAwait(false);
        }

        sink.Log.SandboxGone(folder);
    }

    private static string FolderOf(StopSandboxRequest request, SandboxHost host)
    {
        var folder = request.Sandbox?.Path ?? Path.Combine(host.RootFolder(request.Path), SandboxHost.FolderPrefix + request.Id);
        return Path.GetFileName(folder).Length > SandboxHost.FolderPrefix.Length
            && Path.GetFileName(folder).StartsWith(SandboxHost.FolderPrefix, StringComparison.Ordinal)
            ? folder
            : throw new PgOpsException(PgErrorCode.InvalidArgument, $"'{folder}' is not a sandbox's folder.");
    }

    private static async Task EndOtherAsync(SandboxHost host, string folder, CancellationToken cancellationToken)
    {
        var record = SandboxRecord.Read(folder);
        if (record is null || record.Scope != ProcessStamp.Scope || record.Account != host.Account)
        {
            throw new PgOpsException(
                PgErrorCode.SandboxFailed,
                $"The sandbox in {folder} belongs to another user, machine or container.",
                nextStep: "Stop it from there.");
        }

        if (!record.SupervisorRuns)
        {
            return;
        }

        await host.AskToStopAsync(folder, record, cancellationToken).ConfigureAwait(false);
        var polling = new Polling(SandboxHost.StopTimeout, TimeSpan.FromMilliseconds(20));
        if (!await polling.UntilAsync(() => Task.FromResult(!record.SupervisorRuns), cancellationToken).ConfigureAwait(false))
        {
            throw SandboxSupervisor.StillThere(folder, record.SupervisorProcessId);
        }
    }
}
