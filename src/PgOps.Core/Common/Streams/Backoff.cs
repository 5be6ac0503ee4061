namespace PgOps.Core.Common.Streams;

/// <summary>Pauses between attempts.</summary>
internal static class Backoff
{
    /// <summary>A pause that doubles with each attempt, up to 20 seconds, and is not the same for everybody.</summary>
    /// <param name="attempt">The attempt that failed, counted from 1.</param>
    internal static TimeSpan Pause(int attempt)
        => TimeSpan.FromMilliseconds(Math.Min(20_000, 500 << Math.Min(attempt - 1, 6)) * (0.5 + (Random.Shared.NextDouble() / 2)));
}
