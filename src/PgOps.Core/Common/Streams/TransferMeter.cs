using System.Diagnostics;
using PgOps.Core.Common.Operations;

namespace PgOps.Core.Common.Streams;

/// <summary>Counts the bytes of one transfer and shows them with their rate; the estimate of the rest is the activity's.</summary>
internal sealed class TransferMeter
{
    private readonly ProgressActivity? _progress;
    private readonly long _total;
    private readonly Stopwatch _elapsed = Stopwatch.StartNew();
    private long _moved;
    private long _skipped;

    /// <summary>Begins at zero.</summary>
    /// <param name="progress">Where to show it; may be null.</param>
    /// <param name="total">Bytes in all.</param>
    /// <param name="throttle">The limit.</param>
    internal TransferMeter(ProgressActivity? progress, long total, Throttle throttle)
    {
        _progress = progress;
        _total = total;
        Throttle = throttle;
    }

    /// <summary>No limit, nothing shown.</summary>
    internal static TransferMeter Silent => new(null, 0, new Throttle(null));

    /// <summary>The limit that all streams of the transfer share.</summary>
    internal Throttle Throttle { get; }

    /// <summary>Bytes moved.</summary>
    internal long Moved => Interlocked.Read(ref _moved);

    /// <summary>Bytes that needed no moving.</summary>
    internal long Skipped => Interlocked.Read(ref _skipped);

    /// <summary>Bytes moved each second so far.</summary>
    internal long Rate => (long)(Moved / Math.Max(_elapsed.Elapsed.TotalSeconds, 0.001));

    /// <summary>Counts moved bytes.</summary>
    internal void Add(long bytes)
    {
        Interlocked.Add(ref _moved, bytes);
        Show();
    }

    /// <summary>Counts bytes that are there already.</summary>
    internal void Skip(long bytes)
    {
        Interlocked.Add(ref _skipped, bytes);
        Show();
    }

    private void Show()
        => _progress?.Report(
            $"{PgSize.Format(Moved + Skipped)} of {PgSize.Format(_total)}, {PgSize.Format(Rate)}/s", Moved + Skipped, _total);
}
