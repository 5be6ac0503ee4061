using Npgsql;
using PgOps.Core.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations;

/// <summary>
/// Finds out what became of the one statement that was running outside a transaction when its migrator was killed: from the
/// catalogs, or because running it twice is safe. Where neither tells, a person must.
/// </summary>
internal static class InterruptedStatement
{
    /// <summary>Commands that do the same when they are run again.</summary>
    private static readonly HashSet<string> Repeatable = new(StringComparer.Ordinal) { "VACUUM", "REINDEX", "CLUSTER", "DISCARD" };

    /// <summary>What is known of the statement.</summary>
    /// <param name="WasDone">Whether it had come to its end.</param>
    /// <param name="Remark">How that is known.</param>
    internal readonly record struct Verdict(bool WasDone, string Remark);

    /// <param name="connection">The working session, with the settings that the script's statements had made.</param>
    /// <param name="script">The migration as it is now.</param>
    /// <param name="before">Its statements as they were when it was interrupted.</param>
    /// <param name="record">Its unfinished record.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task<Verdict> JudgeAsync(
        NpgsqlConnection connection,
        MigrationScript script,
        IReadOnlyList<SqlStatement> before,
        HistoryRow record,
        CancellationToken cancellationToken)
    {
        var index = record.StatementsDone;
        var statement = before[index];
        if (SqlStatementTraits.ConcurrentIndexOf(statement) is { Name: { } name })
        {
            if (await ClearInvalidIndexAsync(connection, statement, cancellationToken).ConfigureAwait(false) is { } cleared)
            {
                return new Verdict(false, cleared);
            }

            return (await FindIndexAsync(connection, statement, cancellationToken).ConfigureAwait(false)).Count > 0 && record.State == "started"
                ? new Verdict(true, $"index {name} had been built")
                : new Verdict(false, $"index {name} is built now");
        }

        // The server itself refused it, so it left nothing behind but what ConcurrentIndexOf covers.
        var words = statement.Keywords;
        if (record.State == "failed" || Repeatable.Contains(words[0]) || (words[0] == "ALTER" && words[1] == "SYSTEM"))
        {
            return new Verdict(false, $"statement {index + 1} ({words[0]}) is run again");
        }

        var excerpt = script.File.Variables is not null && index < script.Statements.Count
            ? script.ExcerptAt(script.Statements[index].Offset)
            : ScriptExcerpt.At(record.Script!, statement.Offset);
        throw new PgOpsException(
            PgErrorCode.MigrationInterrupted,
            $"{script.File} was interrupted while statement {index + 1} of {before.Count} ran, and the catalogs cannot tell "
                + $"whether it came to its end:\n{script.File.Path}:{excerpt.Line}\n{excerpt.Rendered}",
            $"{index} statements are done and recorded; nothing was run now.",
            $"Look whether its effect is there. If it is: Repair-PgMigration -Version {script.File.Version} -MarkStatementDone -Reason …; if not: "
                + $"Repair-PgMigration -Version {script.File.Version} -MarkStatementNotDone -Reason …. Then run the command again.")
        {
            Subject = script.File.Path,
        };
    }

    /// <summary>
    /// Drops the INVALID index that a failed or interrupted build of the same index left: IF NOT EXISTS would "succeed" over it, and
    /// without it the statement would fail. An index that another session is just building is left alone.
    /// </summary>
    /// <returns>What was done, in words; null when there was no such index.</returns>
    internal static async Task<string?> ClearInvalidIndexAsync(
        NpgsqlConnection connection, SqlStatement statement, CancellationToken cancellationToken)
    {
        foreach (var index in await FindIndexAsync(connection, statement, cancellationToken).ConfigureAwait(false))
        {
            if (index is { Valid: false, Building: false })
            {
                // lock_timeout would cut off the wait for old transactions, which CONCURRENTLY is about.
                var timeout = await connection.ScalarAsync<string>("SELECT pg_catalog.current_setting('lock_timeout')", cancellationToken)
                    .ConfigureAwait(false);
                await connection.ExecuteAsync("SET lock_timeout = 0", cancellationToken).ConfigureAwait(false);
                await connection.ExecuteAsync(
                    $"DROP INDEX CONCURRENTLY {Quote.Qualified(index.Schema, index.Name)}", cancellationToken).ConfigureAwait(false);
                await connection.ExecuteAsync($"SET lock_timeout = '{timeout}'", cancellationToken).ConfigureAwait(false);
                return $"INVALID index {index.Name}, left by an unfinished build, was dropped and is built anew";
            }
        }

        return null;
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
}
