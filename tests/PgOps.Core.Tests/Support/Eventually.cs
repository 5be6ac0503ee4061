using System.Diagnostics;

namespace PgOps.Core.Tests.Support;

/// <summary>Waits for what another process does in its own time.</summary>
internal static class Eventually
{
    internal static Task HoldsAsync(Func<bool> condition, string what, int seconds = 15)
        => HoldsAsync(() => Task.FromResult(condition()), what, seconds);

    internal static async Task HoldsAsync(Func<Task<bool>> condition, string what, int seconds = 15)
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(clock.Elapsed.TotalSeconds < seconds, $"Not within {seconds} s: {what}");
            await Task.Delay(20);
        }
    }
}
