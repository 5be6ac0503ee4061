using Npgsql;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Running;

/// <summary>
/// Finds out what became of the one statement that was running outside a transaction when its migrator was killed: from the
/// catalogs, or because running it twice is safe. Where neither tells, a person must.
/// </summary>
internal static class InterruptedStatement
{
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
            if (await ConcurrentLeftovers.ClearInvalidIndexAsync(connection, statement, cancellationToken)
                .ConfigureAwait(false) is { } cleared)
            {
                return new Verdict(false, cleared);
            }

            return record.State == HistoryState.Started && await ConcurrentLeftovers.HasIndexAsync(connection, statement, cancellationToken)
                .ConfigureAwait(false)
                ? new Verdict(true, $"index {name} had been built")
                : new Verdict(false, $"index {name} is built now");
        }

        if (ConcurrentCommand.Detach(statement) is { } detach && connection.PostgreSqlVersion.Major >= 14)
        {
            var finished = await ConcurrentLeftovers.FinishDetachAsync(connection, detach, cancellationToken).ConfigureAwait(false);
            return finished ?? record.State == HistoryState.Started
                ? new Verdict(true, $"partition {detach.Name} is detached")
                : new Verdict(false, $"partition {detach.Name} is detached now");
        }

        if (ConcurrentCommand.Reindex(statement) is { } reindex
            && await ConcurrentLeftovers.ClearReindexAsync(connection, reindex, cancellationToken)
                .ConfigureAwait(false) is { Count: > 0 } dropped)
        {
            return new Verdict(false, $"{string.Join(", ", dropped)}, left by an unfinished REINDEX, dropped; it is run again");
        }

        // An index whose drop began is INVALID until it ends, and can be dropped again.
        if (record.State == HistoryState.Started && ConcurrentCommand.DropIndex(statement) is { Name: { } gone })
        {
            return await ConcurrentLeftovers.HasRelationAsync(connection, gone, cancellationToken).ConfigureAwait(false)
                ? new Verdict(false, $"index {gone} is dropped now")
                : new Verdict(true, $"index {gone} had been dropped");
        }

        // What the server refused left nothing behind but what the above covers, if it runs no code that commits.
        if ((record.State == HistoryState.Failed && !SqlStatementTraits.RunsCode(statement)) || SqlStatementTraits.IsRepeatable(statement))
        {
            return new Verdict(false, $"statement {index + 1} ({statement.Keywords[0]}) is run again");
        }

        var excerpt = script.File.Variables is not null && index < script.Statements.Count
            ? script.ExcerptAt(script.Statements[index].Offset)
            : ScriptExcerpt.At(record.Script!, statement.Offset);
        throw new PgOpsException(
            PgErrorCode.MigrationInterrupted,
            $"{script.File} {(record.State == HistoryState.Failed ? "failed" : "was interrupted")} "
                + $"while statement {index + 1} of {before.Count} ran, and the catalogs cannot tell "
                + $"{(record.State == HistoryState.Failed ? "what it had committed by then" : "whether it came to its end")}:\n"
                + $"{script.File.Path}:{excerpt.Line}\n{excerpt.Rendered}",
            $"{PgAmount.Of(index, "statement")} {(index == 1 ? "is" : "are")} done and recorded; nothing was run now.",
            WayOut(script.File.Version))
        {
            Subject = script.File.Path,
        };
    }

    /// <summary>What a person does about a statement in doubt.</summary>
    internal static string WayOut(string version)
        => $"Look whether its effect is there. If it is: Repair-PgMigration -Version {version} -MarkStatementDone -Reason …; "
            + "if not, or when what there is of it was removed: "
            + $"Repair-PgMigration -Version {version} -MarkStatementNotDone -Reason …. Then run the command again.";
}
