using System.Diagnostics;
using System.Globalization;

namespace PgOps.Benchmarks;

/// <summary>One of those that are compared.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Prepare">What happens before the clock runs.</param>
/// <param name="Run">What is measured; gives the peak memory in bytes, 0 when nobody asked.</param>
internal sealed record Side(string Name, Func<Task> Prepare, Func<Task<long>> Run);

/// <summary>Runs several sides in turns, so that a busy moment of the machine meets them all, and prints medians and ratios.</summary>
internal sealed class Race(Func<double> serverSeconds)
{
    private static readonly TimeSpan Reaping = TimeSpan.FromMilliseconds(50);

    internal async Task RunAsync(string title, int rounds, IReadOnlyList<Side> sides)
    {
        var server = sides.Select(_ => new List<double>()).ToArray();
        var times = sides.Select(_ => new List<double>()).ToArray();
        var memory = new long[sides.Count];
        for (var round = -1; round < rounds; round++)
        {
            for (var index = 0; index < sides.Count; index++)
            {
                await sides[index].Prepare().ConfigureAwait(false);
                var before = serverSeconds();
                var clock = Stopwatch.StartNew();
                var peak = await sides[index].Run().ConfigureAwait(false);
                var seconds = clock.Elapsed.TotalSeconds;

                // The first round warms up compilers and caches.
                if (round >= 0)
                {
                    times[index].Add(seconds);
                    memory[index] = Math.Max(memory[index], peak);
                    await Task.Delay(Reaping).ConfigureAwait(false);
                    server[index].Add(serverSeconds() - before);
                }
            }
        }

        Console.WriteLine($"\n## {title}\n");
        Console.WriteLine("| | median s | min s | ratio | ratio of min | server CPU s | peak MiB |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        var (first, firstMin) = (Median(times[0]), times[0].Min());
        for (var index = 0; index < sides.Count; index++)
        {
            var median = Median(times[index]);
            var peak = memory[index] == 0 ? "" : (memory[index] / 1024 / 1024).ToString(CultureInfo.InvariantCulture);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {sides[index].Name} | {median:0.0000} | {times[index].Min():0.0000} | {median / first:0.00} | "
                    + $"{times[index].Min() / firstMin:0.00} | {Median(server[index]):0.00} | {peak} |"));
        }
    }

    private static double Median(List<double> values)
    {
        var sorted = values.Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }
}
