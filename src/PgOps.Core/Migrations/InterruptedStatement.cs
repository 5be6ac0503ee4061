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

    internal static async Task<Verdict> JudgeAsync(
        NpgsqlConnection connection, MigrationScript script, int index, HistoryRow record, CancellationToken cancellationToken)
    {
        var statement = script.Statements[index];
        if (SqlStatementTraits.ConcurrentIndexOf(statement) is { Name: not null } concurrent)
        {
            return await JudgeIndexAsync(connection, concurrent, cancellationToken).ConfigureAwait(false);
        }

        // The server itself refused it, so it left nothing behind but what ConcurrentIndexOf covers.
        var words = statement.Keywords;
        if (record.State == "failed" || Repeatable.Contains(words[0]) || (words[0] == "ALTER" && words[1] == "SYSTEM"))
        {
            return new Verdict(false, $"statement {index + 1} ({words[0]}) is run again");
        }

        var excerpt = ScriptExcerpt.At(script.File.Text, statement.Offset);
        throw new PgOpsException(
            PgErrorCode.MigrationInterrupted,
            $"{script.File} was interrupted while statement {index + 1} of {script.Statements.Count} ran, and the catalogs cannot tell "
                + $"whether it came to its end:\n{script.File.Path}:{excerpt.Line}\n{excerpt.Rendered}",
            $"{index} statements are done and recorded; nothing was run now.",
            $"Look whether its effect is there. If it is: Repair-PgMigration -Version {script.File.Version} -MarkStatementDone; if not: "
                + $"Repair-PgMigration -Version {script.File.Version} -MarkStatementNotDone. Then run the command again.")
        {
            Subject = script.File.Path,
        };
    }

    private static async Task<Verdict> JudgeIndexAsync(
        NpgsqlConnection connection, ConcurrentIndex index, CancellationToken cancellationToken)
    {
        var table = index.Schema is null ? Quote.Identifier(index.Table) : Quote.Qualified(index.Schema, index.Table);
        var found = await connection.QueryAsync(
            """
            SELECT n.nspname, i.indisvalid AND i.indisready
            FROM pg_catalog.pg_class t
            JOIN pg_catalog.pg_index i ON i.indrelid = t.oid
            JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE t.oid = pg_catalog.to_regclass($1) AND c.relname = $2
            """,
            row => (Schema: row.GetString(0), Valid: row.GetBoolean(1)),
            cancellationToken,
            table,
            index.Name!).ConfigureAwait(false);
        if (found.Count == 0)
        {
            return new Verdict(false, $"index {index.Name} was not begun and is built now");
        }

        if (found[0].Valid)
        {
            return new Verdict(true, $"index {index.Name} had been built");
        }

        // IF NOT EXISTS would "succeed" over the remains of the failed build.
        await connection.ExecuteAsync(
            $"DROP INDEX CONCURRENTLY {Quote.Qualified(found[0].Schema, index.Name!)}", cancellationToken).ConfigureAwait(false);
        return new Verdict(false, $"INVALID index {index.Name}, left by the interrupted build, was dropped and is built anew");
    }
}
