namespace PgOps.Core.Common.Operations;

/// <summary>
/// What is open and not yet anybody's: it is handed on when the next steps succeed, and disposed of when one of them fails.
/// </summary>
internal static class Opened
{
    /// <summary>Does the next steps.</summary>
    /// <param name="opened">What is open.</param>
    /// <param name="next">The steps; their result owns it from then on.</param>
    internal static async Task<TResult> OrDisposeAsync<T, TResult>(this T opened, Func<Task<TResult>> next)
        where T : IAsyncDisposable
    {
        try
        {
            return await next().ConfigureAwait(false);
        }
        catch
        {
            await opened.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Does the next steps with what is disposed of without waiting.</summary>
    /// <param name="opened">What is open.</param>
    /// <param name="next">The steps; their result owns it from then on.</param>
    internal static async Task<TResult> OrDisposeAsync<TResult>(this IDisposable opened, Func<Task<TResult>> next)
    {
        try
        {
            return await next().ConfigureAwait(false);
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }
}
