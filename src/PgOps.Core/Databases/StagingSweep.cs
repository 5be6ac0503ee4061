using System.Globalization;
using Microsoft.Extensions.Logging;
using Npgsql;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Databases;

/// <summary>
/// Finds and drops the staging databases of runs that died, and what a reset had replaced when it died. A database is swept only when
/// its name has the staging shape, nobody holds the advisory lock of its name in any database of the server, and its comment says what
/// it is or, for a run that died between creating and marking it, nothing at all is in it.
/// </summary>
internal static class StagingSweep
{
    private const string Mark = "pgops restore staging";

    private const string StraysQuery = """
        SELECT d.datname, pg_catalog.shobj_description(d.oid, 'pg_database')
        FROM pg_catalog.pg_database d
        WHERE d.datname LIKE '%\_pgops\_%'
        ORDER BY d.datname
        """;

    /// <summary>The comment that marks a staging database, with whom to ask about it.</summary>
    internal static string Comment() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Mark}; pid {Environment.ProcessId}, host {Environment.MachineName}, started {DateTime.UtcNow:yyyy-MM-ddTHH:mm:ssZ}");

    /// <summary>Drops the strays.</summary>
    /// <param name="session">A session on the maintenance database.</param>
    /// <param name="maintenance">The way to it.</param>
    /// <param name="log">Receives the names dropped.</param>
    /// <param name="cancellationToken">Stops between two databases.</param>
    internal static async Task RunAsync(NpgsqlConnection session, PgTarget maintenance, ILogger log, CancellationToken cancellationToken)
    {
        var candidates = await session.QueryAsync(
            StraysQuery,
            row => (Name: row.GetString(0), Comment: row.IsDBNull(1) ? null : row.GetString(1)),
            cancellationToken).ConfigureAwait(false);
        foreach (var (name, comment) in candidates.Where(candidate => DatabaseNames.IsStaging(candidate.Name)))
        {
            var marked = comment is not null && comment.StartsWith(Mark, StringComparison.Ordinal);
            if (marked || comment is null)
            {
                await SweepAsync(session, maintenance.WithDatabase(name), marked, log, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Drops a staging database; sessions still in it belong to the dead restore and end with it.</summary>
    internal static async Task DropAsync(NpgsqlConnection session, string name, CancellationToken cancellationToken)
    {
        var quoted = Quote.Identifier(name);
        if (session.VersionNumber() >= 130000)
        {
            await session.ExecuteAsync($"DROP DATABASE IF EXISTS {quoted} WITH (FORCE)", cancellationToken).ConfigureAwait(false);
            return;
        }

        await session.ExecuteAsync(
            "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE datname = $1", cancellationToken, name)
            .ConfigureAwait(false);
        await session.ExecuteAsync($"DROP DATABASE IF EXISTS {quoted}", cancellationToken).ConfigureAwait(false);
    }

    private static async Task SweepAsync(
        NpgsqlConnection session, PgTarget stray, bool marked, ILogger log, CancellationToken cancellationToken)
    {
        var name = stray.Database;
        var key = DatabaseNames.LockKey(name);
        if (await AdvisoryLock.IsHeldAsync(session, key, cancellationToken).ConfigureAwait(false)
            || !await AdvisoryLock.TryTakeAsync(session, key, cancellationToken).ConfigureAwait(false))
        {
            log.StagingInUse(name);
            return;
        }

        try
        {
            if (!marked
                && await DatabaseOccupancy.ReadAsync(session, stray, cancellationToken).ConfigureAwait(false) is not { IsEmpty: true })
            {
                log.StagingUnmarked(name);
                return;
            }

            await RestoredSubscriptions.DropAsync(session, stray, cancellationToken).ConfigureAwait(false);
            await DropAsync(session, name, cancellationToken).ConfigureAwait(false);
            log.StrayStagingDropped(name);
        }
        catch (Exception error) when (error is PostgresException or PgOpsException)
        {
            // Another role's stray, or one that is just going: not this restore's business.
            log.StrayStagingKept(name, new Redaction(stray).Apply(error.Message));
        }
        finally
        {
            await AdvisoryLock.ReleaseAsync(session, key, CancellationToken.None).ConfigureAwait(false);
        }
    }
}
