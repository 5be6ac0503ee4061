using PgOps.Core.Repository;

namespace PgOps.Core.Restores;

/// <summary>
/// Where the pipeline restores: what has to hold there, the database that is filled, and what becomes of it. Disposing removes whatever
/// was made there and not put in place.
/// </summary>
internal abstract class RestoreDestination : IAsyncDisposable
{
    /// <summary>The step "require": finds out whether the backup can be restored there. Nothing is restored yet.</summary>
    /// <param name="proof">The backup, proven.</param>
    /// <param name="checks">Receives the checks.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PgOpsException">What is missing.</exception>
    internal abstract Task<RestorePlan> RequireAsync(BackupProof proof, List<PgCheck> checks, CancellationToken cancellationToken);

    /// <summary>The step "stage": roles, and the database to fill.</summary>
    /// <param name="plan">What the step before has settled.</param>
    /// <param name="checks">Receives the checks.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal abstract Task<StagedDatabase> StageAsync(RestorePlan plan, List<PgCheck> checks, CancellationToken cancellationToken);

    /// <summary>What speaks against loading now that the database stands; null when nothing does.</summary>
    /// <param name="proof">The backup, proven.</param>
    /// <param name="staged">The database.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal virtual Task<PgCheck?> ObstacleAsync(BackupProof proof, StagedDatabase staged, CancellationToken cancellationToken)
        => Task.FromResult<PgCheck?>(null);

    /// <summary>The step "swap", the last one: the copy takes its place, where it has one.</summary>
    /// <param name="plan">What "require" has settled.</param>
    /// <param name="staged">The database, filled and found right.</param>
    /// <param name="comment">The comment that it is to have; null for none.</param>
    /// <param name="cancellationToken">Gives up; nothing is in place then.</param>
    /// <returns>The name that a database which was replaced has now; null when there is none.</returns>
    internal virtual Task<string?> SwapAsync(RestorePlan plan, StagedDatabase staged, string? comment, CancellationToken cancellationToken)
        => Task.FromResult<string?>(null);

    /// <summary>Clears away after a step that failed from "stage" on.</summary>
    /// <param name="error">What it threw.</param>
    /// <param name="cancellationToken">The caller's; when he gave up, that is what he is told.</param>
    /// <returns>The error that says what is left; null leaves it as it is.</returns>
    internal abstract Task<PgOpsException?> GiveUpAsync(Exception error, CancellationToken cancellationToken);

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();
}
