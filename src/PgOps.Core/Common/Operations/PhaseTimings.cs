using System.Collections.Concurrent;
using System.Diagnostics;

namespace PgOps.Core.Common.Operations;

/// <summary>Seconds spent by phase, which may run side by side, and time spent on fingerprinting each table.</summary>
internal sealed class PhaseTimings
{
    private readonly SortedDictionary<string, double> _seconds = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Schema, string Name), TimeSpan> _tables = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private TimeSpan _ended;

    /// <summary>Time since the start.</summary>
    internal TimeSpan Elapsed => _clock.Elapsed;

    /// <summary>The phases so far.</summary>
    internal IReadOnlyDictionary<string, double> Seconds => _seconds;

    /// <summary>Time spent on fingerprinting each table, the longest first.</summary>
    internal IReadOnlyList<PgTableCost> Tables =>
        [.. _tables.OrderByDescending(table => table.Value)
            .Select(table => new PgTableCost(table.Key.Schema, table.Key.Name, table.Value))];

    /// <summary>Adds time spent on fingerprinting a table: it may be read in the source and again in the archive.</summary>
    internal void AddTable(string schema, string name, TimeSpan time)
        => _tables.AddOrUpdate((schema, name), time, (_, before) => before + time);

    /// <summary>Adds a phase that was timed by itself.</summary>
    internal void Add(string phase, TimeSpan time)
    {
        lock (_seconds)
        {
            _seconds[phase] = Math.Round(time.TotalSeconds, 3);
            _ended = _clock.Elapsed;
        }

        OperationSpans.Ended(phase, time);
    }

    /// <summary>Ends a phase that began where the one before ended.</summary>
    internal void End(string phase) => Add(phase, _clock.Elapsed - _ended);
}
