using System.Globalization;
using Microsoft.Extensions.Logging;
using Npgsql;
using PgOps.Core.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Restores;

/// <summary>
/// The last act of a restore: the staging database takes its final name, the one it replaces a dated name. Both renames, the grants
/// and the owner are one transaction, so that the server holds either the old state or the new one, whatever happens in between.
/// </summary>
internal static class DatabaseSwap
{
    // RENAME itself waits five seconds for sessions to leave (CountOtherDBBackends).
    private const int Attempts = 3;
    private const int DatedNamePause = 1100;
    private const int Leaving = 10;
    private const int LeavingPause = 100;

    // Replication stands in the way as well, autovacuum gives way. Whoever may not see what others do sees no backend_type.
    private const string SessionsQuery = """
        SELECT pid, coalesce(usename, ''), coalesce(application_name, ''), coalesce(client_addr::pg_catalog.text, 'local'), coalesce(state, '')
        FROM pg_catalog.pg_stat_activity
        WHERE datname = $1 AND coalesce(backend_type, '') <> 'autovacuum worker' AND pid <> pg_catalog.pg_backend_pid()
        ORDER BY backend_start
        """;

    /// <summary>Fails when sessions are connected to a database that is to be renamed. Nobody is cut off.</summary>
    internal static async Task RefuseConnectedAsync(
        NpgsqlConnection session, PgTarget database, Exception? cause, CancellationToken cancellationToken)
    {
        var connected = await ConnectedAsync(session, database.Database, cancellationToken).ConfigureAwait(false);
        for (var waited = 0; connected.Count > 0 && waited < Leaving; waited++)
        {
            // A session that was closed a moment ago, one of this restore's own among them, is listed until its process has gone.
            await Task.Delay(LeavingPause, cancellationToken).ConfigureAwait(false);
            connected = await ConnectedAsync(session, database.Database, cancellationToken).ConfigureAwait(false);
        }

        if (connected.Count == 0 && cause is null)
        {
            return;
        }

        var who = connected.Count > 0
            ? $"{connected.Count.ToString(CultureInfo.InvariantCulture)} sessions are connected:\n  " + string.Join("\n  ", connected)
            : "the server says that it is in use (by a prepared transaction, or a session that has just left; see pg_prepared_xacts).";
        throw new PgOpsException(
            PgErrorCode.RestoreFailed,
            $"{database} cannot be renamed: {who}",
            "Nothing was put in place; the database is as it was.",
            "Stop these programs, then run the command again, or restore under another name. PgOps cuts nobody off.",
            cause)
        { Subject = database };
    }

    /// <summary>Renames the staging database into place.</summary>
    /// <param name="staging">The staging database; nobody may be connected to it.</param>
    /// <param name="target">The final database.</param>
    /// <param name="existing">The oid of the database that bears the name now; null when none did.</param>
    /// <param name="owner">The owner to set; null leaves the restoring role.</param>
    /// <param name="keepGrants">Whether the replaced database's grants are carried over.</param>
    /// <param name="cancellationToken">Gives up before the commit.</param>
    /// <returns>The replaced database's new name; null when none was replaced.</returns>
    internal static async Task<string?> RunAsync(
        StagingDatabase staging, PgTarget target, uint? existing, string? owner, bool keepGrants, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await TryAsync(staging, target, existing, owner, keepGrants, cancellationToken).ConfigureAwait(false);
            }
            catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.ObjectInUse)
            {
                if (attempt == Attempts)
                {
                    await RefuseConnectedAsync(staging.Session, target, error, cancellationToken).ConfigureAwait(false);
                }
            }
            catch (PostgresException error) when (IsRace(error))
            {
                if (existing is null || attempt == Attempts)
                {
                    throw Appeared(target, error);
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
            var occupancy = await DatabaseOccupancy.ReadAsync(session, server.WithDatabase(replaced), CancellationToken.None).ConfigureAwait(false);
            if (occupancy is { IsEmpty: true })
            {
                await session.ExecuteAsync($"DROP DATABASE {Quote.Identifier(replaced)}", CancellationToken.None).ConfigureAwait(false);
            }

            if (occupancy is null or { IsEmpty: true })
            {
                return null;
            }

            log.LogWarning("The replaced database was empty and no longer is; it was kept as {Name}.", replaced);
        }
        catch (Exception error) when (error is NpgsqlException or PgOpsException)
        {
            log.LogWarning("The replaced empty database was kept as {Name}: {Reason}", replaced, new Redaction(server).Apply(error.Message));
        }

        return replaced;
    }

    private static Task<List<string>> ConnectedAsync(NpgsqlConnection session, string database, CancellationToken cancellationToken)
        => session.QueryAsync(
            SessionsQuery,
            row => string.Create(
                CultureInfo.InvariantCulture,
                $"pid {row.GetInt32(0)}, user {row.GetString(1)}, application \"{row.GetString(2)}\", from {row.GetString(3)}, {row.GetString(4)}"),
            cancellationToken,
            database);

    private static async Task<string?> TryAsync(
        StagingDatabase staging, PgTarget target, uint? existing, string? owner, bool keepGrants, CancellationToken cancellationToken)
    {
        var session = staging.Session;
        var transaction = await session.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using (transaction.ConfigureAwait(false))
        {
            var name = Quote.Identifier(target.Database);
            string? replaced = null;
            if (await DatabaseOccupancy.OidAsync(session, target.Database, cancellationToken).ConfigureAwait(false) != existing)
            {
                throw Appeared(target, null);
            }

            if (existing is not null)
            {
                replaced = DatabaseNames.Replaced(target.Database, DateTime.UtcNow);
                await session.ExecuteAsync($"ALTER DATABASE {name} RENAME TO {Quote.Identifier(replaced)}", cancellationToken).ConfigureAwait(false);
            }

            await session.ExecuteAsync($"COMMENT ON DATABASE {Quote.Identifier(staging.Name)} IS NULL", cancellationToken).ConfigureAwait(false);
            await session.ExecuteAsync($"ALTER DATABASE {Quote.Identifier(staging.Name)} RENAME TO {name}", cancellationToken).ConfigureAwait(false);
            if (replaced is not null && keepGrants)
            {
                await DatabaseGrants.CopyAsync(session, replaced, target.Database, cancellationToken).ConfigureAwait(false);
            }

            if (owner is not null)
            {
                await session.ExecuteAsync($"ALTER DATABASE {name} OWNER TO {Quote.Identifier(owner)}", cancellationToken).ConfigureAwait(false);
            }

            // From here on there is no turning back half-way: the commit is not cancelled, and the staging name is gone or it is not.
            cancellationToken.ThrowIfCancellationRequested();
            await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
            staging.PutInPlace();
            return replaced;
        }
    }

    // Two renames at the same moment meet in the catalog's unique index, or find the name gone.
    private static bool IsRace(PostgresException error) => error.SqlState is
        PostgresErrorCodes.DuplicateDatabase or PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.InvalidCatalogName;

    private static PgOpsException Appeared(PgTarget target, Exception? cause) => new(
        PgErrorCode.TargetNotEmpty,
        $"{target} was created, dropped or replaced by somebody else while the restore ran.",
        "Nothing was put in place.",
        "See what stands there now, then run the command again.",
        cause)
    { Subject = target };
}
