using Microsoft.Extensions.Logging;
using Npgsql;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Databases;

/// <summary>
/// The last act of a restore or a reset: the staging database takes its final name, the one it replaces another one. Both renames, the
/// grants and the owner are one transaction, so that the server holds either the old state or the new one, whatever happens in between.
/// </summary>
internal static class DatabaseSwap
{
    // RENAME itself waits five seconds for sessions to leave (CountOtherDBBackends).
    private const int Attempts = 3;
    private const int DatedNamePause = 1100;

    /// <summary>Fails when sessions are connected to a database that is to be renamed.</summary>
    internal static async Task RefuseConnectedAsync(
        NpgsqlConnection session, SwapRequest request, Exception? cause, CancellationToken cancellationToken)
    {
        var connected = await DatabaseSessions.StayingAsync(session, request.Target.Database, cancellationToken).ConfigureAwait(false);
        if (connected.Count > 0 || cause is not null)
        {
            throw new PgOpsException(
                PgErrorCode.DatabaseInUse,
                $"{request.Target} cannot be renamed: {DatabaseSessions.Describe(connected)}",
                "Nothing was put in place; the database is as it was.",
                request.WayOut,
                cause)
            { Subject = request.Target };
        }
    }

    /// <summary>Renames the staging database into place.</summary>
    /// <param name="staging">The staging database; nobody may be connected to it.</param>
    /// <param name="request">What it replaces.</param>
    /// <param name="cancellationToken">Gives up before the commit.</param>
    /// <returns>The replaced database's new name; null when none was replaced.</returns>
    internal static async Task<string?> RunAsync(StagingDatabase staging, SwapRequest request, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await TryAsync(staging, request, cancellationToken).ConfigureAwait(false);
            }
            catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.ObjectInUse)
            {
                if (attempt == Attempts)
                {
                    await RefuseConnectedAsync(staging.Session, request, error, cancellationToken).ConfigureAwait(false);
                }
            }
            catch (PostgresException error) when (IsRace(error))
            {
                if (request.Existing is null || attempt == Attempts)
                {
                    throw Appeared(request.Target, error);
                }

                // Two swaps within one second want the same dated name; if somebody was faster, the next look at the oid says so.
                await Task.Delay(DatedNamePause, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Drops the empty database that was replaced, if it is still empty and left alone.</summary>
    /// <returns>Null when it is gone; its name when it was kept after all.</returns>
    internal static async Task<string?> DropEmptyAsync(
        NpgsqlConnection session, PgTarget server, string replaced, ILogger log)
    {
        try
        {
            var occupancy =
                await DatabaseOccupancy.ReadAsync(session, server.WithDatabase(replaced), CancellationToken.None).ConfigureAwait(false);
            if (occupancy is { IsEmpty: true })
            {
                await session.ExecuteAsync($"DROP DATABASE {Quote.Identifier(replaced)}", CancellationToken.None).ConfigureAwait(false);
            }

            if (occupancy is null or { IsEmpty: true })
            {
                return null;
            }

            log.ReplacedNoLongerEmpty(replaced);
        }
        catch (Exception error) when (error is NpgsqlException or PgOpsException)
        {
            log.ReplacedKept(replaced, new Redaction(server).Apply(error.Message));
        }

        return replaced;
    }

    /// <summary>Drops the database that was replaced to be dropped. The new one is in place already, so nothing is thrown.</summary>
    /// <returns>Null when it is gone; its name when it stays.</returns>
    internal static async Task<string?> DropDiscardedAsync(NpgsqlConnection session, PgTarget target, string replaced, ILogger log)
    {
        try
        {
            await StagingSweep.DropAsync(session, replaced, CancellationToken.None).ConfigureAwait(false);
            return null;
        }
        catch (NpgsqlException error)
        {
            log.ReplacedNotDropped(target, new Redaction(target).Apply(error.Message), Quote.Identifier(replaced));
            return replaced;
        }
    }

    private static async Task<string?> TryAsync(StagingDatabase staging, SwapRequest request, CancellationToken cancellationToken)
    {
        var session = staging.Session;
        var transaction = await session.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using (transaction.ConfigureAwait(false))
        {
            var name = Quote.Identifier(request.Target.Database);
            var replaced = await MoveAwayAsync(session, request, cancellationToken).ConfigureAwait(false);
            var comment = request.Comment is null ? "NULL" : Quote.Literal(request.Comment);
            await session.ExecuteAsync($"COMMENT ON DATABASE {Quote.Identifier(staging.Name)} IS {comment}", cancellationToken)
                .ConfigureAwait(false);
            await session.ExecuteAsync($"ALTER DATABASE {Quote.Identifier(staging.Name)} RENAME TO {name}", cancellationToken)
                .ConfigureAwait(false);
            await CarriedProperties.ApplyAsync(session, request, replaced, cancellationToken).ConfigureAwait(false);
            await ReleaseAsync(session, request, replaced, cancellationToken).ConfigureAwait(false);
            if (request.Owner is not null)
            {
                await session.ExecuteAsync(
                    $"ALTER DATABASE {name} OWNER TO {Quote.Identifier(request.Owner)}", cancellationToken).ConfigureAwait(false);
            }

            // From here on there is no turning back half-way: the commit is not cancelled, and the staging name is gone or it is not.
            cancellationToken.ThrowIfCancellationRequested();
            await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
            staging.PutInPlace();
            return replaced;
        }
    }

    /// <summary>Lets the one that was replaced be dropped, once what it hands on is read: by its mark, and as no template.</summary>
    private static async Task ReleaseAsync(
        NpgsqlConnection session, SwapRequest request, string? replaced, CancellationToken cancellationToken)
    {
        if (replaced is null || !(request.Discard || request.ReplacesEmpty))
        {
            return;
        }

        var name = Quote.Identifier(replaced);
        if (await session.ScalarAsync<bool>(
            "SELECT datistemplate FROM pg_catalog.pg_database WHERE datname = $1", cancellationToken, replaced).ConfigureAwait(false))
        {
            await session.ExecuteAsync($"ALTER DATABASE {name} IS_TEMPLATE false", cancellationToken).ConfigureAwait(false);
        }

        if (request.Discard)
        {
            await session.ExecuteAsync(
                $"COMMENT ON DATABASE {name} IS {Quote.Literal(StagingSweep.Comment())}", cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task<string?> MoveAwayAsync(NpgsqlConnection session, SwapRequest request, CancellationToken cancellationToken)
    {
        var database = request.Target.Database;
        if (await DatabaseOccupancy.OidAsync(session, database, cancellationToken).ConfigureAwait(false) != request.Existing)
        {
            throw Appeared(request.Target, null);
        }

        if (request.Existing is null)
        {
            return null;
        }

        var replaced = request.Discard ? DatabaseNames.Staging(database) : DatabaseNames.Replaced(database, DateTime.UtcNow);
        if (request.Ended is not null)
        {
            // The rename that follows at once lets nobody in, and waits five seconds for these to leave.
            (await DatabaseSessions.EndAsync(session, database, cancellationToken)
                .ConfigureAwait(false)).ForEach(ended => request.Ended($"{ended}"));
        }

        await session.ExecuteAsync(
            $"ALTER DATABASE {Quote.Identifier(database)} RENAME TO {Quote.Identifier(replaced)}", cancellationToken).ConfigureAwait(false);
        return replaced;
    }

    // Two renames at the same moment meet in the catalog's unique index, or find the name gone.
    internal static bool IsRace(PostgresException error) => error.SqlState is
        PostgresErrorCodes.DuplicateDatabase or PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.InvalidCatalogName;

    internal static PgOpsException Appeared(PgTarget target, Exception? cause) => new(
        PgErrorCode.TargetNotEmpty,
        $"{target} was created, dropped or replaced by somebody else in the meantime.",
        "Nothing was put in place.",
        "See what stands there now, then run the command again.",
        cause)
    { Subject = target };
}
