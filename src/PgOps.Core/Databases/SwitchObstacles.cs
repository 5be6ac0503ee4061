using Npgsql;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Databases;

/// <summary>What binds a database by its oid, and so would stay with the old one or stop the renames. All of it is named at once.</summary>
internal static class SwitchObstacles
{
    // The lists are read whole: a role that may not see what others do sees these views, too.
    private const string PreparedQuery = """
        SELECT pg_catalog.format('%s in %I by %I since %s',
            pg_catalog.quote_literal(gid), database, owner, prepared::pg_catalog.timestamptz(0))
        FROM pg_catalog.pg_prepared_xacts WHERE database IN ($1, $2)
        """;

    private const string SlotsQuery = """
        SELECT pg_catalog.format('%s (%s, in %I%s)', slot_name, plugin, database, CASE WHEN active THEN ', active' ELSE '' END)
        FROM pg_catalog.pg_replication_slots WHERE database IN ($1, $2)
        """;

    private const string SubscriptionsQuery = """
        SELECT pg_catalog.format('%I in %I', s.subname, d.datname)
        FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid
        WHERE s.subenabled AND d.datname IN ($1, $2)
        """;

    private const string ClosedQuery = """
        SELECT pg_catalog.format('%I (%s)', datname, CASE WHEN datconnlimit = -2 THEN 'left invalid by an interrupted DROP DATABASE'
            WHEN datistemplate THEN 'a template' ELSE 'closed to connections' END)
        FROM pg_catalog.pg_database
        WHERE datname IN ($1, $2) AND (datconnlimit = -2 OR datistemplate OR (datname = $2 AND NOT datallowconn))
        """;

    /// <summary>Looks for them.</summary>
    /// <param name="session">A session on the maintenance database.</param>
    /// <param name="old">The database that gives way.</param>
    /// <param name="prepared">The database that takes its name.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task<IReadOnlyList<PgCheck>> FindAsync(
        NpgsqlConnection session, string old, string prepared, CancellationToken cancellationToken)
    {
        return
        [
            await CheckAsync(
                "prepared-transactions", PreparedQuery, "prepared transactions: ",
                "end them in their database: COMMIT PREPARED '…' or ROLLBACK PREPARED '…'").ConfigureAwait(false),
            await CheckAsync(
                "replication-slots", SlotsQuery, "logical replication slots, which stay with their database whatever its name: ",
                "end what reads from them, SELECT pg_drop_replication_slot('…'), and make new ones after the switch").ConfigureAwait(false),
            await CheckAsync(
                "subscriptions", SubscriptionsQuery, "enabled subscriptions, which go on writing into their database whatever its name: ",
                "run ALTER SUBSCRIPTION … DISABLE there, or DROP SUBSCRIPTION").ConfigureAwait(false),
            await CheckAsync(
                "state", ClosedQuery, "not fit for a switch: ",
                "make it usable first: ALTER DATABASE … ALLOW_CONNECTIONS true, IS_TEMPLATE false; an invalid one can only be dropped")
                .ConfigureAwait(false),
        ];

        async Task<PgCheck> CheckAsync(string name, string query, string what, string wayOut)
        {
            var found = await session.QueryAsync(query, row => row.GetString(0), cancellationToken, old, prepared).ConfigureAwait(false);
            return found.Count == 0
                ? PgCheck.Pass(name, "none in the way")
                : PgCheck.Fail(name, $"{what}{string.Join(", ", found)}; {wayOut}");
        }
    }
}
