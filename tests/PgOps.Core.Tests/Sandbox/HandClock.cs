namespace PgOps.Core.Tests.Sandbox;

/// <summary>A clock that a test moves: what waits for a moment goes on when it is reached. It counts in ticks of 100 ns.</summary>
internal sealed class HandClock : TimeProvider
{
    private readonly List<HandTimer> _timers = [];
    private long _now;

    /// <summary>Whether whoever waits is served at once, the clock being moved to its moment.</summary>
    internal bool Hurries { get; init; }

    /// <summary>What has passed since the clock was made.</summary>
    internal TimeSpan Passed => TimeSpan.FromTicks(Interlocked.Read(ref _now));

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _now);

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch + Passed;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new HandTimer(this, () => callback(state));
        lock (_timers)
        {
            _timers.Add(timer);
        }

        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Moves the clock, and lets go what has waited so long.</summary>
    internal void Move(TimeSpan by)
    {
        var now = Interlocked.Add(ref _now, by.Ticks);
        HandTimer[] due;
        lock (_timers)
        {
            due = _timers.Where(timer => timer.Due <= now).ToArray();
        }

        foreach (var timer in due)
        {
            timer.Ring();
        }
    }

    private sealed class HandTimer(HandClock clock, Action ring) : ITimer
    {
        internal long Due { get; private set; } = long.MaxValue;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Due = dueTime == Timeout.InfiniteTimeSpan ? long.MaxValue : clock.GetTimestamp() + dueTime.Ticks;
            if (clock.Hurries && Due != long.MaxValue)
            {
                clock.Move(dueTime);
            }

            return true;
        }

        public void Dispose() => Due = long.MaxValue;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        internal void Ring()
        {
            Due = long.MaxValue;
            ring();
        }
    }
}
