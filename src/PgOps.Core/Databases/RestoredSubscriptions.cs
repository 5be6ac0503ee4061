using Npgsql;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Databases;

/// <summary>
/// Subscriptions keep a database from being dropped. Those of a staging database came out of a dump, unconnected: they are given up
/// without a word to the publisher, whose slot belongs to the original.
/// </summary>
internal static class RestoredSubscriptions
{
    /// <summary>Drops those of a staging database that never ran. One that is enabled is somebody's, and stays.</summary>
    /// <param name="session">A session on the maintenance database.</param>
    /// <param name="staging">The staging database.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task DropAsync(NpgsqlConnection session, PgTarget staging, CancellationToken cancellationToken)
    {
        var names = await session.QueryAsync(
            """
            SELECT s.subname::pg_catalog.text FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid
            WHERE d.datname = $1 AND NOT s.subenabled
            """,
            row => row.GetString(0),
            cancellationToken,
            staging.Database).ConfigureAwait(false);
        if (names.Count == 0)
        {
            return;
        }

        var inside = await ServerConnection.OpenAsync(staging, null, cancellationToken).ConfigureAwait(false);
        await using (inside.ConfigureAwait(false))
        {
            foreach (var name in names.Select(Quote.Identifier))
            {
                await inside.ExecuteAsync($"ALTER SUBSCRIPTION {name} SET (slot_name = NONE)", cancellationToken).ConfigureAwait(false);
                await inside.ExecuteAsync($"DROP SUBSCRIPTION {name}", cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
