using Npgsql;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Running;

/// <summary>
/// What PostgreSQL leaves behind when a CONCURRENTLY command is interrupted, and the way out that its documentation gives for each
/// (the pages of CREATE INDEX, REINDEX, DROP INDEX and ALTER TABLE). What another session is just working on is left alone.
/// </summary>
internal static class ConcurrentLeftovers
{
    /// <summary>
    /// Drops the INVALID index that a failed or interrupted build of the same index left: IF NOT EXISTS would "succeed" over it, and
    /// without it the statement would fail.
    /// </summary>
    /// <returns>What was done, in words; null when there was no such index.</returns>
    internal static async Task<string?> ClearInvalidIndexAsync(
        NpgsqlConnection connection, SqlStatement statement, CancellationToken cancellationToken)
    {
        foreach (var index in await FindIndexAsync(connection, statement, cancellationToken).ConfigureAwait(false))
        {
            if (index is { Valid: false, Building: false })
            {
                await ExecutePatientlyAsync(
                    connection, $"DROP INDEX CONCURRENTLY {Quote.Qualified(index.Schema, index.Name)}",
                    cancellationToken).ConfigureAwait(false);
                return $"INVALID index {index.Name}, left by an unfinished build, was dropped and is rebuilt";
            }
        }

        return null;
    }

    /// <summary>The INVALID index, in quotes, that the build of the same one has left; null when there is none.</summary>
    internal static async Task<string?> InvalidIndexAsync(
        NpgsqlConnection connection, SqlStatement statement, CancellationToken cancellationToken)
        => (await FindIndexAsync(connection, statement, cancellationToken).ConfigureAwait(false))
            .Where(index => index is { Valid: false, Building: false })
            .Select(index => Quote.Qualified(index.Schema, index.Name)).FirstOrDefault();

    /// <summary>Whether the index that a CREATE INDEX CONCURRENTLY builds is there.</summary>
    internal static async Task<bool> HasIndexAsync(NpgsqlConnection connection, SqlStatement statement, CancellationToken cancellationToken)
        => (await FindIndexAsync(connection, statement, cancellationToken).ConfigureAwait(false)).Count > 0;

    /// <summary>Whether a relation is there.</summary>
    internal static async Task<bool> HasRelationAsync(NpgsqlConnection connection, string name, CancellationToken cancellationToken)
        => await connection.ScalarAsync<bool>("SELECT pg_catalog.to_regclass($1) IS NOT NULL", cancellationToken, name)
            .ConfigureAwait(false);

    /// <summary>
    /// Drops the INVALID twins that an interrupted REINDEX CONCURRENTLY left on the tables it works on: the unfinished new index
    /// (<c>…_ccnew</c>) or the old one that has been replaced (<c>…_ccold</c>). Rebuilding again passes over them.
    /// </summary>
    /// <returns>The names of what was dropped.</returns>
    internal static async Task<IReadOnlyList<string>> ClearReindexAsync(
        NpgsqlConnection connection, ConcurrentCommand reindex, CancellationToken cancellationToken)
    {
        var names = await connection.QueryAsync(
            """
            WITH RECURSIVE named AS (
                SELECT t.oid FROM pg_catalog.pg_class t WHERE CASE $1
                    WHEN 'TABLE' THEN t.oid = pg_catalog.to_regclass($2)
                    WHEN 'INDEX' THEN t.oid = (SELECT indrelid FROM pg_catalog.pg_index WHERE indexrelid = pg_catalog.to_regclass($2))
                    WHEN 'SCHEMA' THEN t.relnamespace = pg_catalog.to_regnamespace($2)
                    ELSE t.relnamespace <> 'pg_catalog'::pg_catalog.regnamespace END
            ), tables AS (
                SELECT oid FROM named
                UNION
                SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN tables t ON t.oid = i.inhparent
            )
            SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
            FROM pg_catalog.pg_index i
            JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$'
                AND i.indrelid IN (
                    SELECT oid FROM tables
                    UNION ALL
                    SELECT t.reltoastrelid FROM pg_catalog.pg_class t JOIN tables USING (oid))
                AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.relid = i.indrelid)
            ORDER BY 1
            """,
            row => row.GetString(0),
            cancellationToken,
            reindex.Kind,
            reindex.Name ?? "").ConfigureAwait(false);
        foreach (var name in names)
        {
            await ExecutePatientlyAsync(connection, $"DROP INDEX CONCURRENTLY {name}", cancellationToken).ConfigureAwait(false);
        }

        return names;
    }

    /// <summary>
    /// Finishes a DETACH PARTITION … CONCURRENTLY of which only the first of its two transactions is done. Needs PostgreSQL 14, as the
    /// command does.
    /// </summary>
    /// <returns>Whether it was finished; false when nothing of it had been done, null when the table is not a partition of the
    /// other.</returns>
    internal static async Task<bool?> FinishDetachAsync(
        NpgsqlConnection connection, ConcurrentCommand detach, CancellationToken cancellationToken)
    {
        var pending = await connection.ScalarAsync<bool?>(
            """
            SELECT inhdetachpending FROM pg_catalog.pg_inherits
            WHERE inhparent = pg_catalog.to_regclass($1) AND inhrelid = pg_catalog.to_regclass($2)
            """,
            cancellationToken,
            detach.Parent!,
            detach.Name!).ConfigureAwait(false);
        if (pending == true)
        {
            await ExecutePatientlyAsync(
                connection, $"ALTER TABLE {detach.Parent} DETACH PARTITION {detach.Name} FINALIZE",
                cancellationToken).ConfigureAwait(false);
        }

        return pending;
    }

    /// <summary>Runs what waits for old transactions: lock_timeout would cut off that wait, which CONCURRENTLY is about.</summary>
    private static async Task ExecutePatientlyAsync(NpgsqlConnection connection, string statement, CancellationToken cancellationToken)
    {
        var timeout = await connection.ScalarAsync<string>("SELECT pg_catalog.current_setting('lock_timeout')", cancellationToken)
            .ConfigureAwait(false);
        await connection.ExecuteAsync("SET lock_timeout = 0", cancellationToken).ConfigureAwait(false);
        await connection.ExecuteAsync(statement, cancellationToken).ConfigureAwait(false);
        await connection.ExecuteAsync($"SET lock_timeout = '{timeout}'", cancellationToken).ConfigureAwait(false);
    }

    private static async Task<List<(string Schema, string Name, bool Valid, bool Building)>> FindIndexAsync(
        NpgsqlConnection connection, SqlStatement statement, CancellationToken cancellationToken)
    {
        if (SqlStatementTraits.ConcurrentIndexOf(statement) is not { Name: not null } index)
        {
            return [];
        }

        var table = index.Schema is null ? Quote.Identifier(index.Table) : Quote.Qualified(index.Schema, index.Table);
        return await connection.QueryAsync(
            """
            SELECT n.nspname, c.relname, i.indisvalid AND i.indisready,
                EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)
            FROM pg_catalog.pg_class t
            JOIN pg_catalog.pg_index i ON i.indrelid = t.oid
            JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE t.oid = pg_catalog.to_regclass($1) AND c.relname = $2
            """,
            row => (row.GetString(0), row.GetString(1), row.GetBoolean(2), row.GetBoolean(3)),
            cancellationToken,
            table,
            index.Name).ConfigureAwait(false);
    }

    /// <summary>What a statement that failed may have left, in words that follow a sentence; empty for nothing.</summary>
    internal static string Of(SqlStatement statement) => SqlStatementTraits.ConcurrentIndexOf(statement) switch
    {
        { Name: null } index => $" It may have left an INVALID index on {index.Table}, which has no name in the script: drop it first "
            + "(psql's \\d shows it), and give the index a name, so that PgOps can see to it.",
        { } index => $" If the INVALID index {index.Name} is left, that run drops it and rebuilds it.",
        _ when ConcurrentCommand.Reindex(statement) is not null =>
            " INVALID indexes that it may have left (…_ccnew, …_ccold) are dropped by that run.",
        _ when ConcurrentCommand.Detach(statement) is not null => " If the partition is left half detached, that run finishes it.",
        _ => "",
    };
}
