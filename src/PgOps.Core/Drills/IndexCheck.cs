using System.Collections.Concurrent;
using System.Globalization;
using Npgsql;
using PgOps.Core.Common.Text;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Drills;

/// <summary>
/// Looks into the B-tree indexes of a restored copy with PostgreSQL's own extension amcheck
/// (https://www.postgresql.org/docs/current/amcheck.html), which comes and goes with the check.
/// </summary>
internal static class IndexCheck
{
    /// <summary>The check's name.</summary>
    internal const string Name = PgCheckName.Amcheck;

    private const string Schema = "pgops_amcheck";

    // Holding each row against the index costs a pass over the table; 128 MiB of tables and indexes took 1.4 s.
    private const long AffordableBytes = 128 << 20;

    private const string PlaceQuery = """
        SELECT n.nspname
        FROM pg_catalog.pg_available_extensions a
        LEFT JOIN pg_catalog.pg_extension e ON e.extname = a.name
        LEFT JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
        WHERE a.name = 'amcheck'
        """;

    // The cheapest first, so that the sum of their costs says how many can be afforded.
    private const string IndexesQuery = """
        SELECT x.indexrelid, pg_catalog.format('%I.%I', n.nspname, c.relname), x.cost,
            sum(x.cost) OVER (ORDER BY x.cost, x.indexrelid)::bigint
        FROM (
            SELECT i.indexrelid, pg_catalog.pg_relation_size(i.indexrelid) + pg_catalog.pg_relation_size(i.indrelid) AS cost
            FROM pg_catalog.pg_index i WHERE i.indisvalid AND i.indisready) x
        JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid AND c.relkind = 'i' AND c.relpersistence <> 't'
        JOIN pg_catalog.pg_am a ON a.oid = c.relam AND a.amname = 'btree'
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        ORDER BY x.cost DESC
        """;

    /// <summary>Checks the indexes, several side by side.</summary>
    /// <param name="copy">The restored copy.</param>
    /// <param name="depth">How deep to look.</param>
    /// <param name="jobs">Sessions to work with.</param>
    /// <param name="cancellationToken">Stops the sessions and waits for them.</param>
    /// <returns>Passed, failed with the indexes that are broken, or skipped with the reason.</returns>
    internal static async Task<PgCheck> RunAsync(PgTarget copy, PgIndexCheck depth, int jobs, CancellationToken cancellationToken)
    {
        if (depth == PgIndexCheck.None)
        {
            return PgCheck.Skip(Name, "left out: -IndexCheck None");
        }

        var session = await ServerConnection.OpenAsync(copy, null, cancellationToken).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            var places = await session.QueryAsync(
                PlaceQuery, row => row.IsDBNull(0) ? null : row.GetString(0), cancellationToken).ConfigureAwait(false);
            if (places.Count == 0)
            {
                return PgCheck.Skip(Name, "this server does not have the extension amcheck; it comes with PostgreSQL's contrib modules");
            }

            try
            {
                await PrepareAsync(session, places[0], cancellationToken).ConfigureAwait(false);
                var check = await LookAsync(session, copy, depth, jobs, cancellationToken).ConfigureAwait(false);
                await session.ExecuteAsync($"DROP SCHEMA {Schema} CASCADE", cancellationToken).ConfigureAwait(false);
                return check;
            }
            catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.InsufficientPrivilege)
            {
                return PgCheck.Skip(
                    Name, $"the role {copy.Username} may not use the extension amcheck on this server "
                        + $"({error.MessageText}); a superuser may");
            }
        }
    }

    /// <summary>
    /// Makes a schema with the extension, unless the copy has it, and a function that gives an index's fault as its result: as an error
    /// it would end the session, for Npgsql takes corruption for the server's end. The copy's event triggers are not woken.
    /// </summary>
    private static async Task PrepareAsync(NpgsqlConnection session, string? place, CancellationToken cancellationToken)
    {
        await session.ExecuteAsync(
            $"SET session_replication_role = replica; CREATE SCHEMA {Schema}"
                + (place is null ? $"; CREATE EXTENSION amcheck SCHEMA {Schema}" : ""),
            cancellationToken).ConfigureAwait(false);
        await session.ExecuteAsync(
            $"""
            CREATE FUNCTION {Schema}.fault(index oid, every_row boolean) RETURNS text LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM {Quote.Identifier(place ?? Schema)}.bt_index_check(index::pg_catalog.regclass, every_row);
                RETURN NULL;
            EXCEPTION
                WHEN insufficient_privilege THEN RAISE;
                WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
            END $$
            """,
            cancellationToken).ConfigureAwait(false);
    }

    private static async Task<PgCheck> LookAsync(
        NpgsqlConnection session, PgTarget copy, PgIndexCheck depth, int jobs, CancellationToken cancellationToken)
    {
        var indexes = await session.QueryAsync(
            IndexesQuery,
            row => new Index(
                row.GetFieldValue<uint>(0), row.GetString(1), depth == PgIndexCheck.Full || row.GetInt64(3) <= AffordableBytes),
            cancellationToken).ConfigureAwait(false);
        var broken = new ConcurrentBag<string>();
        await SessionWork.ForEachAsync(
            copy,
            session,
            jobs,
            indexes,
            async (worker, index, token) =>
            {
                var fault = await worker.ScalarAsync<string>(
                    $"SELECT {Schema}.fault($1::oid, $2)", token, (long)index.Oid, index.EveryRow).ConfigureAwait(false);
                if (fault is not null)
                {
                    broken.Add($"{index.Name}: {fault}");
                }
            },
            cancellationToken).ConfigureAwait(false);
        var whole = indexes.Count(index => index.EveryRow);
        var rows = whole == indexes.Count
            ? "every row is in them"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"every row is in {whole} of them, {indexes.Count - whole} are too large for that (-IndexCheck Full)");
        return broken.IsEmpty
            ? PgCheck.Pass(
                Name,
                string.Create(CultureInfo.InvariantCulture, $"{indexes.Count} B-tree indexes, the catalog's among them, are sound; {rows}"))
            : PgCheck.Fail(Name, NameList.Of(broken.Order(StringComparer.Ordinal)));
    }

    private sealed record Index(uint Oid, string Name, bool EveryRow);
}
