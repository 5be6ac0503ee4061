using PgOps.Core.Common.Streams;

namespace PgOps.Core.Postgres.ClientTools;

/// <summary>Runs programs that hand bytes to one another, without a shell and without a file between them.</summary>
internal static class ToolRelay
{
    /// <summary>Gives the output of one program to others, each of which gets all of it.</summary>
    /// <param name="source">The program that writes; its <see cref="ToolCommand.Output"/> is set here.</param>
    /// <param name="readers">The programs that read it on their standard input.</param>
    /// <param name="cancellationToken">Ends all of them and waits.</param>
    /// <returns>
    /// How each ended; null for one that was ended because of another: when a reader fails, all the others, and the source when
    /// nobody reads on.
    /// </returns>
    /// <exception cref="PgOpsException">ToolMissing.</exception>
    internal static async Task<(ToolResult? Source, IReadOnlyList<ToolResult?> Readers)> RunAsync(
        ToolCommand source, IReadOnlyList<ToolCommand> readers, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var relays = readers.Select(_ => new BoundedPipeStream()).ToArray();
        var reading = 0;
        var results = readers.Select(ReadAsync).ToArray();
        var fed = FeedAsync();
        await Task.WhenAll([fed, .. results]).ConfigureAwait(false);
        return (await fed.ConfigureAwait(false), await Task.WhenAll(results).ConfigureAwait(false));

        async Task<ToolResult?> FeedAsync()
        {
            try
            {
                return await RunOneAsync(source with { Output = new TeeStream(relays) }).ConfigureAwait(false);
            }
            finally
            {
                Array.ForEach(relays, relay => relay.End());
            }
        }

        async Task<ToolResult?> ReadAsync(ToolCommand reader, int index)
        {
            try
            {
                var result = await RunOneAsync(reader with { Input = relays[index] }).ConfigureAwait(false);
                relays[index].Abandon();
                if (Interlocked.Increment(ref reading) == readers.Count || result?.ExitCode != 0)
                {
                    await stop.CancelAsync().ConfigureAwait(false);
                }

                return result;
            }
            finally
            {
                relays[index].Abandon();
            }
        }

        async Task<ToolResult?> RunOneAsync(ToolCommand command)
        {
            try
            {
                await Task.Yield();
                return await ToolProcess.RunAsync(command, stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return null;
            }
            catch
            {
                await stop.CancelAsync().ConfigureAwait(false);
                throw;
            }
        }
    }
}
