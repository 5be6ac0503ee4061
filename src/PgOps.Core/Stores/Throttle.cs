namespace PgOps.Core.Stores;

/// <summary>Keeps the sum of several streams under so many bytes a second.</summary>
internal sealed class Throttle
{
    private readonly long? _bytesPerSecond;
    private readonly object _gate = new();
    private long _freeAt;

    /// <summary>Sets the limit.</summary>
    /// <param name="bytesPerSecond">The limit; null for none.</param>
    internal Throttle(long? bytesPerSecond)
    {
        _bytesPerSecond = bytesPerSecond;
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

        long wait;
        lock (_gate)
        {
            var now = Environment.TickCount64;
            wait = Math.Max(0, _freeAt - now);
            _freeAt = Math.Max(now, _freeAt) + (bytes * 1000L / limit);
        }

        if (wait > 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(wait), cancellationToken).ConfigureAwait(false);
        }
    }
}
