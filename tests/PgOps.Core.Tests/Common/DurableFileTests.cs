using PgOps.Core.Common.Files;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Common;

public sealed class DurableFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Of_many_that_want_one_name_at_once_one_gets_it_and_keeps_it()
    {
        for (var round = 0; round < 50; round++)
        {
            var to = Path.Combine(_folder.Path, $"wanted-{round}");
            using var start = new Barrier(8);
            var won = await Task.WhenAll(Enumerable.Range(0, 8).Select(number => Task.Factory.StartNew(
                () =>
                {
                    var from = $"{to}.{number}";
                    File.WriteAllText(from, $"{number}");
                    start.SignalAndWait();
                    try
                    {
                        DurableFile.Move(from, to, replaces: false);
                        return number;
                    }
                    catch (IOException error) when (DurableFile.IsTaken(error))
                    {
                        return -1;
                    }
                },
                CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));

            Assert.Equal($"{Assert.Single(won, number => number >= 0)}", File.ReadAllText(to));
        }
    }

    [Fact]
    public void A_name_that_was_taken_for_what_cannot_be_moved_is_free_again()
    {
        var to = Path.Combine(_folder.Path, "to");
        Assert.ThrowsAny<IOException>(() => DurableFile.Move(Path.Combine(_folder.Path, "gone"), to, replaces: false));
        Assert.False(File.Exists(to));
    }
}
