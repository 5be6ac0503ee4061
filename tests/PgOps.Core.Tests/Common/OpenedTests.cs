using PgOps.Core.Common.Operations;

namespace PgOps.Core.Tests.Common;

public sealed class OpenedTests
{
    [Fact]
    public async Task What_is_open_stays_open_when_the_next_steps_succeed_and_is_closed_when_one_fails()
    {
        var good = new Door();
        Assert.Equal(
            3,
            await good.OrDisposeAsync(() => Task.FromResult(3)) + await ((IDisposable)good).OrDisposeAsync(() => Task.FromResult(0)));
        Assert.Equal(0, good.Closed);

        var bad = new Door();
        await Assert.ThrowsAsync<InvalidDataException>(() => bad.OrDisposeAsync<Door, int>(() => throw new InvalidDataException()));
        Assert.Equal(1, bad.Closed);
        await Assert.ThrowsAsync<InvalidDataException>(
            () => ((IDisposable)bad).OrDisposeAsync(() => Task.FromException<int>(new InvalidDataException())));
        Assert.Equal(2, bad.Closed);
    }

    private sealed class Door : IDisposable, IAsyncDisposable
    {
        internal int Closed { get; private set; }

        public void Dispose() => Closed++;

        public ValueTask DisposeAsync()
        {
            Closed++;
            return ValueTask.CompletedTask;
        }
    }
}
