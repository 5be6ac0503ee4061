using PgOps.Core.Common.Files;
using PgOps.Core.Common.Operations;

namespace PgOps.Core.Postgres.Sandbox;

/// <summary>Lists the running sandboxes of this user, and removes those that nobody looks after.</summary>
public sealed class FindSandboxes
{
    private readonly Func<SandboxHost> _host = SandboxHost.Current;

    /// <summary>Lists them.</summary>
    /// <param name="request">Where to look and for which.</param>
    /// <param name="sink">Log lines; the sandboxes are returned and not put out.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The sandboxes that are ready, oldest first, each with its superuser's credentials.</returns>
    public Task<IReadOnlyList<PgSandbox>> RunAsync(
        FindSandboxesRequest request, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, static () => null, () => WorkAsync(request, sink, cancellationToken));

    private async Task<IReadOnlyList<PgSandbox>> WorkAsync(
        FindSandboxesRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        var host = _host();
        var root = host.RootFolder(request.Path);
        await StraySandboxes.SweepAsync(host, root, sink.Log, cancellationToken).ConfigureAwait(false);
        return StraySandboxes.Folders(root)
            .Select(folder => Describe(host, folder)).OfType<PgSandbox>()
            .Where(sandbox => request.Id is null || sandbox.Id == request.Id)
            .OrderBy(sandbox => sandbox.StartedAt).ToList();
    }

    private static PgSandbox? Describe(SandboxHost host, string folder)
    {
        var record = SandboxRecord.Read(folder);
        if (record?.StartedAt is null || record.Scope != ProcessStamp.Scope || record.Account != host.Account || !record.SupervisorRuns)
        {
            return null;
        }

        try
        {
            return OwnedSandboxes.Find(folder)
                ?? record.Describe(folder, File.ReadAllText(Path.Combine(folder, SandboxRecord.PasswordFileName)).Trim());
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It ended while we looked.
            return null;
        }
    }
}
