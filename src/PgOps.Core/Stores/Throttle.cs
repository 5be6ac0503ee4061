namespace PgOps.Core.Stores;

/// <summary>Keeps the sum of several streams under so many bytes a second.</summary>
internal sealed class Throttle
{
    private readonly long? _bytesPerSecond;
    private readonly TimeProvider _time;
    private readonly object _gate = new();
    private long _freeAt;

    /// <summary>Sets the limit.</summary>
    /// <param name="bytesPerSecond">The limit; null for none.</param>
    /// <param name="time">The clock; null takes the system's.</param>
    internal Throttle(long? bytesPerSecond, TimeProvider? time = null)
    {
        _bytesPerSecond = bytesPerSecond;
        _time = time ?? TimeProvider.System;
    }

    /// <summary>The limit in bytes per second; null for none.</summary>
    internal long? BytesPerSecond => _bytesPerSecond;

    /// <summary>The most that should be moved at once, so that the flow stays even.</summary>
    internal int Portion => (int)Math.Clamp((_bytesPerSecond ?? long.MaxValue) / 10, 4 * 1024, 256 * 1024);

    /// <summary>Waits until these bytes may go.</summary>
    internal async ValueTask WaitAsync(int bytes, CancellationToken cancellationToken)
    {
        if (_bytesPerSecond is not { } limit)
        {
            return;
        }

        TimeSpan wait;
        lock (_gate)
        {
            // In the clock's finest ticks: a few kilobytes take less than a millisecond, and must count all the same.
            var now = _time.GetTimestamp();
            wait = _time.GetElapsedTime(now, Math.Max(now, _freeAt));
            _freeAt = Math.Max(now, _freeAt) + (bytes * _time.TimestampFrequency / limit);
        }

        if (wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, _time, cancellationToken).ConfigureAwait(false);
        }
    }
}
