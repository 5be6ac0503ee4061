namespace PgOps.Core.Common.Operations;

/// <summary>
/// One activity's progress: throttled to five reports a second, of which the newest is never lost; a percentage that never falls, the
/// estimate made from the share done so far; and always ended by a completed report, whatever happens
/// (https://github.com/dataplat/dbatools/issues/10660).
/// </summary>
internal sealed class ProgressActivity : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);
    private static int _lastId;

    private readonly IOperationSink _sink;
    private readonly string _activity;
    private readonly int _id = Interlocked.Increment(ref _lastId);
    private readonly TimeProvider _time;
    private readonly long _began;
    private readonly object _gate = new();
    private readonly ITimer _late;
    private TimeSpan _lastReport = -Interval;
    private OperationProgress? _held;
    private int _percent = -1;
    private bool _reported;
    private bool _ended;

    /// <summary>Begins an activity. Nothing is shown before the first report.</summary>
    /// <param name="sink">Where reports go.</param>
    /// <param name="activity">What is being done.</param>
    public ProgressActivity(IOperationSink sink, string activity)
        : this(sink, activity, TimeProvider.System)
    {
    }

    /// <summary>Begins an activity by another clock.</summary>
    internal ProgressActivity(IOperationSink sink, string activity, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(sink);
        _time = time;
        _began = time.GetTimestamp();
        _sink = sink;
        _activity = activity;
        _late = time.CreateTimer(_ => Release(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    private TimeSpan Elapsed => _time.GetElapsedTime(_began);

    /// <summary>Identifies the activity, for its parts.</summary>
    public int Id => _id;

    /// <summary>Reports bytes: what is at work, how many of how many are done, and how many in a second.</summary>
    /// <param name="what">What is at work.</param>
    /// <param name="done">Bytes done.</param>
    /// <param name="total">Bytes in all.</param>
    public void ReportBytes(string what, long done, long total)
    {
        var rate = (long)(done / Math.Max(Elapsed.TotalSeconds, 0.001));
        Report($"{what}: {PgSize.Format(done)} of {PgSize.Format(total)}, {PgSize.Format(rate)}/s", done, total);
    }

    /// <summary>
    /// Reports where the work is; held back while the last report is younger than 200 ms, and dropped when a newer one comes.
    /// </summary>
    /// <param name="status">Where it is now.</param>
    /// <param name="done">Units done.</param>
    /// <param name="total">Units in all; 0 when unknown: then the percentage stays, and there is no estimate.</param>
    public void Report(string status, long done = 0, long total = 0)
    {
        lock (_gate)
        {
            var now = Elapsed;
            TimeSpan? remaining = null;
            if (total > 0)
            {
                var share = Math.Clamp((double)done / total, 0, 1);
                _percent = Math.Max(_percent, (int)(share * 100));
                if (share > 0.02 && now > TimeSpan.FromSeconds(1))
                {
                    remaining = TimeSpan.FromSeconds(now.TotalSeconds * (1 - share) / share);
                }
            }

            var first = _held is null;
            _held = new OperationProgress(_id, _activity, status, _percent, remaining, Completed: false);
            if (now - _lastReport >= Interval)
            {
                Release();
            }
            else if (first && !_ended)
            {
                _late.Change(Interval - (now - _lastReport), Timeout.InfiniteTimeSpan);
            }
        }
    }

    /// <summary>Ends the activity.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _ended = true;
            _late.Dispose();
            if (_reported)
            {
                _sink.Progress(new OperationProgress(_id, _activity, "done", 100, null, Completed: true));
                _reported = false;
            }
        }
    }

    private void Release()
    {
        lock (_gate)
        {
            if (_held is not null && !_ended)
            {
                _lastReport = Elapsed;
                _reported = true;
                _sink.Progress(_held);
            }

            _held = null;
        }
    }
}
