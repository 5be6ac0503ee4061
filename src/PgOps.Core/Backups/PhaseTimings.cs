using System.Diagnostics;

namespace PgOps.Core.Backups;

/// <summary>Seconds spent by phase; phases may run side by side.</summary>
internal sealed class PhaseTimings
{
    private readonly SortedDictionary<string, double> _seconds = new(StringComparer.Ordinal);
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private TimeSpan _ended;

    /// <summary>Time since the start.</summary>
    internal TimeSpan Elapsed => _clock.Elapsed;

    /// <summary>The phases so far.</summary>
    internal IReadOnlyDictionary<string, double> Seconds => _seconds;

    /// <summary>Adds a phase that was timed by itself.</summary>
    internal void Add(string phase, TimeSpan time)
    {
        lock (_seconds)
        {
            _seconds[phase] = Math.Round(time.TotalSeconds, 3);
            _ended = _clock.Elapsed;
        }
    }

    /// <summary>Ends a phase that began where the one before ended.</summary>
    internal void End(string phase) => Add(phase, _clock.Elapsed - _ended);
}
