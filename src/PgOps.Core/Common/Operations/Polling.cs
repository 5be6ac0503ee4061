namespace PgOps.Core.Common.Operations;

/// <summary>
/// Waiting for what nobody announces: a lock that another holds, a file, the end of a session. Ask; while the answer is no and time is
/// left, pause and ask again.
/// </summary>
internal sealed class Polling
{
    private readonly TimeProvider _time;
    private readonly TimeSpan _limit;
    private readonly TimeSpan _shortest;
    private readonly TimeSpan _longest;
    private readonly long _startedAt;

    /// <summary>Begins to wait, with pauses of random length: several who wait for the same do not ask at the same moments.</summary>
    /// <param name="limit">How long it may take in all.</param>
    /// <param name="shortest">The shortest pause.</param>
    /// <param name="longest">The longest pause.</param>
    /// <param name="time">The clock; the system's when null.</param>
    internal Polling(TimeSpan limit, TimeSpan shortest, TimeSpan longest, TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        _limit = limit;
        _shortest = shortest;
        _longest = longest;
        _startedAt = _time.GetTimestamp();
    }

    /// <summary>Begins to wait, with pauses of one length.</summary>
    /// <param name="limit">How long it may take in all.</param>
    /// <param name="pause">The pause.</param>
    /// <param name="time">The clock; the system's when null.</param>
    internal Polling(TimeSpan limit, TimeSpan pause, TimeProvider? time = null)
        : this(limit, pause, pause, time)
    {
    }

    /// <summary>How long it has taken so far.</summary>
    internal TimeSpan Waited => _time.GetElapsedTime(_startedAt);

    /// <summary>Whether it has taken as long as it may.</summary>
    internal bool IsOver => Waited > _limit;

    /// <summary>Begins to wait for a lock that others wait for, too.</summary>
    /// <param name="limit">How long it may take in all.</param>
    internal static Polling ForLock(TimeSpan limit) => new(limit, TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(250));

    /// <summary>Pauses.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    internal Task PauseAsync(CancellationToken cancellationToken) => Task.Delay(NextPause(), _time, cancellationToken);

    /// <summary>Pauses, where nothing can be awaited.</summary>
    internal void Pause() => Thread.Sleep(NextPause());

    /// <summary>Asks until the answer is yes.</summary>
    /// <param name="isSo">The question.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>False when the time was over before.</returns>
    internal async Task<bool> UntilAsync(Func<Task<bool>> isSo, CancellationToken cancellationToken)
    {
        while (!await isSo().ConfigureAwait(false))
        {
            if (IsOver)
            {
                return false;
            }

            await PauseAsync(cancellationToken).ConfigureAwait(false);
        }

        return true;
    }

    private TimeSpan NextPause() => _shortest + ((_longest - _shortest) * Random.Shared.NextDouble());
}
