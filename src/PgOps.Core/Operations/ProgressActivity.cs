using System.Diagnostics;

namespace PgOps.Core.Operations;

/// <summary>
/// One activity's progress: throttled to five reports a second, the estimate made from the share done so far, and always ended by
/// a completed report, whatever happens (https://github.com/dataplat/dbatools/issues/10660).
/// </summary>
public sealed class ProgressActivity : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);
    private static int _lastId;

    private readonly IOperationSink _sink;
    private readonly string _activity;
    private readonly int _id = Interlocked.Increment(ref _lastId);
    private readonly Stopwatch _elapsed = Stopwatch.StartNew();
    private readonly object _gate = new();
    private TimeSpan _lastReport = -Interval;
    private bool _reported;

    /// <summary>Begins an activity. Nothing is shown before the first report.</summary>
    /// <param name="sink">Where reports go.</param>
    /// <param name="activity">What is being done.</param>
    public ProgressActivity(IOperationSink sink, string activity)
    {
        ArgumentNullException.ThrowIfNull(sink);
        _sink = sink;
        _activity = activity;
    }

    /// <summary>Identifies the activity, for its parts.</summary>
    public int Id => _id;

    /// <summary>Reports where the work is; dropped when the last report is younger than 200 ms.</summary>
    /// <param name="status">Where it is now.</param>
    /// <param name="done">Units done.</param>
    /// <param name="total">Units in all; 0 when unknown.</param>
    public void Report(string status, long done = 0, long total = 0)
    {
        lock (_gate)
        {
            var now = _elapsed.Elapsed;
            if (now - _lastReport < Interval)
            {
                return;
            }

            _lastReport = now;
            _reported = true;
            var percent = -1;
            TimeSpan? remaining = null;
            if (total > 0)
            {
                var share = Math.Clamp((double)done / total, 0, 1);
                percent = (int)(share * 100);
                if (share > 0.02 && now > TimeSpan.FromSeconds(1))
                {
                    remaining = TimeSpan.FromSeconds(now.TotalSeconds * (1 - share) / share);
                }
            }

            _sink.Progress(new OperationProgress(_id, _activity, status, percent, remaining, Completed: false));
        }
    }

    /// <summary>Ends the activity.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_reported)
            {
                _sink.Progress(new OperationProgress(_id, _activity, "done", 100, null, Completed: true));
                _reported = false;
            }
        }
    }
}
