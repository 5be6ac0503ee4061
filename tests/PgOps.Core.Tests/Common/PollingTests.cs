using PgOps.Core.Common.Operations;
using PgOps.Core.Tests.Postgres.Sandbox;

namespace PgOps.Core.Tests.Common;

public sealed class PollingTests
{
    [Fact]
    public async Task Asks_until_the_answer_is_yes_and_not_after_the_time_is_over()
    {
        var clock = new HandClock { Hurries = true };
        var asked = 0;
        var polling = new Polling(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(1), clock);
        Assert.True(await polling.UntilAsync(() => Task.FromResult(++asked == 4), CancellationToken.None));
        Assert.Equal((4, TimeSpan.FromSeconds(3)), (asked, polling.Waited));

        asked = 0;
        polling = new Polling(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(1), clock);
        Assert.False(await polling.UntilAsync(() => Task.FromResult(++asked < 0), CancellationToken.None));
        Assert.Equal((12, TimeSpan.FromSeconds(11), true), (asked, polling.Waited, polling.IsOver));
    }

    [Fact]
    public async Task Asks_once_where_there_is_no_time_and_ends_when_it_is_cancelled()
    {
        var asked = 0;
        Assert.False(await new Polling(TimeSpan.Zero, TimeSpan.FromHours(1)).UntilAsync(
            async () =>
            {
                await Task.Delay(2);
                return ++asked > 1;
            },
            CancellationToken.None));
        Assert.Equal(1, asked);

        using var stop = new CancellationTokenSource();
        var waiting = new Polling(TimeSpan.FromHours(1), TimeSpan.FromHours(1)).UntilAsync(() => Task.FromResult(false), stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    [Fact]
    public async Task Pauses_are_of_random_length_between_the_two_that_are_given()
    {
        var clock = new HandClock { Hurries = true };
        var pauses = new HashSet<TimeSpan>();
        var polling = new Polling(TimeSpan.MaxValue, TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(250), clock);
        for (var count = 0; count < 50; count++)
        {
            var before = clock.Passed;
            await polling.PauseAsync(CancellationToken.None);
            pauses.Add(clock.Passed - before);
        }

        Assert.True(pauses.Count > 10);
        Assert.All(pauses, pause => Assert.InRange(pause.TotalMilliseconds, 49, 250));
    }
}
