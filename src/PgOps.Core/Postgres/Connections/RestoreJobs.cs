namespace PgOps.Core.Postgres.Connections;

/// <summary>How many sessions a restore, a comparison or a drill works with.</summary>
internal static class RestoreJobs
{
    private const int MostByDefault = 8;

    /// <summary>The number given, or the processors of this machine, at most 8: beyond that the server's disk decides.</summary>
    internal static int Resolve(int? jobs) => jobs switch
    {
        null => Math.Clamp(Environment.ProcessorCount, 1, MostByDefault),
        < 1 => throw new PgOpsException(
            PgErrorCode.InvalidArgument, "Jobs must be at least 1.", null, "Leave -Jobs out, or give a number from 1."),
        _ => jobs.Value,
    };
}
