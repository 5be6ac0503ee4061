using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Restores.Masking;

/// <summary>
/// Rewrites tables, so that no dead row of theirs, no index and no TOAST page holds an original value. VACUUM FULL keeps a dead row
/// that somebody might still see, so it waits first until nobody can; and it leaves a table that it may not touch with a mere warning,
/// so the files are looked at.
/// </summary>
internal static class MaskedTableRewrite
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PatienceWithSlots = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private const string FamilyQuery = """
        WITH RECURSIVE family(oid) AS (
            SELECT unnest($1::bigint[])::pg_catalog.oid
            UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN family f ON f.oid = i.inhparent)
        SELECT c.oid FROM family f JOIN pg_catalog.pg_class c USING (oid) WHERE c.relkind = 'r'
        """;

    private const string FileQuery = """
        SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.pg_relation_filenode(c.oid)
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::bigint::pg_catalog.oid
        """;

    // What holds dead rows back; for a catalog, also a logical slot of any database.
    private const string HoldersQuery = """
        SELECT h.who FROM (
            SELECT pg_catalog.format('session pid %s (%s)', pid, coalesce(nullif(application_name, ''), backend_type)), backend_xmin
            FROM pg_catalog.pg_stat_activity
            WHERE pid <> pg_catalog.pg_backend_pid() AND (datname = pg_catalog.current_database() OR backend_type = 'walsender')
            UNION ALL
            SELECT pg_catalog.format('replication slot %s', slot_name), s.horizon
            FROM pg_catalog.pg_replication_slots, LATERAL (VALUES (xmin), (CASE WHEN $2::boolean THEN catalog_xmin END)) AS s(horizon)
            ) AS h(who, horizon)
        WHERE h.horizon IS NOT NULL AND pg_catalog.age(h.horizon) > pg_catalog.age($1::text::xid)
        """;

    /// <summary>Rewrites masked tables, their partitions and children.</summary>
    /// <param name="target">The copy.</param>
    /// <param name="tables">Their oids.</param>
    /// <param name="jobs">Sessions to work with.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="PgOpsException">RestoreFailed: dead rows would stay, and who holds them back.</exception>
    internal static async Task RewriteAsync(PgTarget target, IReadOnlyList<uint> tables, int jobs, CancellationToken cancellationToken)
    {
        var session = await MaskSession.OpenAsync(target, cancellationToken).ConfigureAwait(false);
        List<uint> family;
        await using (session.ConfigureAwait(false))
        {
            if (await HoldersAsync(session, false, cancellationToken).ConfigureAwait(false) is { Count: > 0 } holders)
            {
                throw new PgOpsException(
                    PgErrorCode.RestoreFailed,
                    $"Dead rows with original values cannot be removed from the copy; held back by {string.Join(", ", holders)}.",
                    "The staging database is dropped; nothing was put in place.",
                    "End what holds them back, or restore on a server without it.");
            }

            family = await session.QueryAsync(
                FamilyQuery,
                row => row.GetFieldValue<uint>(0),
                cancellationToken,
                tables.Select(oid => (long)oid).ToArray()).ConfigureAwait(false);
        }

        await MaskSession.EachAsync(target, family, jobs, RewriteAsync, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Rewrites the planner's statistics, which quote values, once ANALYZE has replaced them.</summary>
    /// <returns>A check: failed where a slot or a session keeps their dead rows.</returns>
    internal static async Task<PgCheck> RewriteStatisticsAsync(PgTarget target, CancellationToken cancellationToken)
    {
        const string name = PgCheckName.MaskTraces;
        var session = await MaskSession.OpenAsync(target, cancellationToken).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            var holders = await HoldersAsync(session, true, cancellationToken).ConfigureAwait(false);
            foreach (var catalog in new[] { "pg_statistic", "pg_statistic_ext_data" })
            {
                var oid = await session.ScalarAsync<uint>(
                    $"SELECT 'pg_catalog.{catalog}'::pg_catalog.regclass::pg_catalog.oid", cancellationToken).ConfigureAwait(false);
                await RewriteAsync(session, oid, cancellationToken).ConfigureAwait(false);
            }

            return holders.Count == 0
                ? PgCheck.Pass(name, "masked tables, their indexes and the planner's statistics rewritten; "
                    + "WAL and its archive keep what the restore wrote")
                : PgCheck.Fail(
                    name,
                    $"old statistics, which quote values, may be left in the copy's files: held back by {string.Join(", ", holders)}");
        }
    }

    private static async Task RewriteAsync(NpgsqlConnection session, uint table, CancellationToken cancellationToken)
    {
        var (name, before) = await FileAsync(session, table, cancellationToken).ConfigureAwait(false);
        await session.ExecuteAsync($"VACUUM (FULL) {name}", cancellationToken).ConfigureAwait(false);
        if ((await FileAsync(session, table, cancellationToken).ConfigureAwait(false)).File == before)
        {
            throw new PgOpsException(
                PgErrorCode.PermissionDenied,
                $"The role may not rewrite {name}, so original values would stay in the copy's files.",
                "The staging database is dropped; nothing was put in place.",
                "Restore with -NoOwner, or with a role that owns the tables.");
        }
    }

    private static async Task<(string Name, uint File)> FileAsync(NpgsqlConnection session, uint table, CancellationToken cancellationToken)
        => (await session.QueryAsync(FileQuery, row => (row.GetString(0), row.GetFieldValue<uint>(1)), cancellationToken, (long)table)
            .ConfigureAwait(false))[0];

    private static async Task<List<string>> HoldersAsync(NpgsqlConnection session, bool catalogs, CancellationToken cancellationToken)
    {
        var now =
            await session.ScalarAsync<string>("SELECT pg_catalog.pg_current_xact_id()::xid::text", cancellationToken).ConfigureAwait(false);
        for (var polling = new Polling(Patience, Pause); ;)
        {
            var holders =
                await session.QueryAsync(HoldersQuery, row => row.GetString(0), cancellationToken, now!, catalogs).ConfigureAwait(false);

            // Sessions end; a slot that lags is seldom worth the wait.
            if (holders.Count == 0 || polling.IsOver
                || (polling.Waited > PatienceWithSlots && !holders.Exists(holder => holder[0] == 's')))
            {
                return holders;
            }

            await polling.PauseAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
