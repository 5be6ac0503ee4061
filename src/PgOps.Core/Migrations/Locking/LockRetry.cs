using Microsoft.Extensions.Logging;
using Npgsql;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Locking;

/// <summary>Decides whether work that met a lock timeout or a deadlock, and was rolled back, is tried again, and when.</summary>
internal sealed class LockRetry
{
    private readonly MigrationRequest _request;
    private readonly MigrationLock _lock;
    private readonly ILogger _log;
    private int _attempt = 1;

    internal LockRetry(MigrationRequest request, MigrationLock migrationLock, ILogger log)
    {
        _request = request;
        _lock = migrationLock;
        _log = log;
        _lock.ForgetBlockers();
    }

    /// <summary>Begins to count again: it is another migration that failed.</summary>
    internal void Restart() => _attempt = 1;

    /// <summary>Whether the error tells of a lock that another session held.</summary>
    internal static bool IsLockFailure(PostgresException error)
        => error.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected;

    /// <summary>Waits a jittered pause before the next attempt; false at once when there is none left or it would not help.</summary>
    internal async Task<bool> PauseAsync(MigrationFile file, PostgresException error, CancellationToken cancellationToken)
    {
        if (!IsLockFailure(error) || _attempt > _request.LockRetries)
        {
            return false;
        }

        var pause = TimeSpan.FromMilliseconds(Math.Min(30_000, 500 * Math.Pow(2, _attempt)) * (0.5 + Random.Shared.NextDouble()));
        _attempt++;
        _log.LockRetried(
            file, error.SqlState, error.MessageText, _lock.Blockers ?? "a session that has gone", _attempt,
            _request.LockRetries + 1, TimeSpan.FromSeconds(Math.Round(pause.TotalSeconds, 1, MidpointRounding.AwayFromZero)));
        await Task.Delay(pause, cancellationToken).ConfigureAwait(false);
        _lock.ForgetBlockers();
        return true;
    }
}
