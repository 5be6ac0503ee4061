using System.Text;
using Npgsql;
using PgOps.Core.Migrations.Adoption;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Locking;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Running;

/// <summary>Writes up what the server said of a migration's statement: place, caret, fields, state, next step.</summary>
internal static class MigrationFailure
{
    // Npgsql's list of codes lacks it (https://www.postgresql.org/docs/current/errcodes-appendix.html).
    private const string UnsafeNewEnumValueUsage = "55P04";

    /// <param name="script">The migration.</param>
    /// <param name="statement">The statement; null when the commit itself failed.</param>
    /// <param name="error">What the server said.</param>
    /// <param name="state">What state the database is in.</param>
    /// <param name="blockers">Who held the lock that was waited for; null when unknown.</param>
    /// <param name="history">The history, whose own statements may be the ones that failed.</param>
    /// <param name="beside">The table of the tool that PgOps works beside; null when it is alone.</param>
    /// <param name="next">What to do next; null when the kind of the error tells.</param>
    internal static PgOpsException Describe(
        MigrationScript script,
        SqlStatement? statement,
        PostgresException error,
        string state,
        string? blockers,
        HistoryTable history,
        ForeignRecord? beside = null,
        string? next = null)
    {
        var recording = history.Writes(error.BatchCommand) ? $"the history {history.Name}"
            : beside?.Writes(error.BatchCommand) == true ? beside.Where : null;
        var garbled = MigrationSession.IsEncodingCheck(error);
        statement = recording is not null || garbled ? null : statement;
        next ??= garbled
            ? "Take out what changes client_encoding, in a function that the file calls perhaps, and run the command again."
            : null;
        next ??= HistoryErrors.Next(history, error) ?? (beside?.Writes(error.BatchCommand) == true ? beside.Next(error) : null);
        blockers = LockRetry.IsLockFailure(error) || error.SqlState == PostgresErrorCodes.QueryCanceled ? blockers : null;
        var excerpt = script.ExcerptAt(statement?.OffsetOf(error.Position) ?? script.Text.Length);
        var text = new StringBuilder();
        text.Append(script.Title).Append(" failed at ").Append(script.File.Path).Append(':').Append(excerpt.Line)
            .Append(':').Append(excerpt.Column);
        text.Append(recording is not null ? $", when its row was written to {recording}"
            : statement is null ? ", when it was committed" : "").Append('\n');
        if (statement is not null)
        {
            text.Append(excerpt.Rendered).Append('\n');
        }

        text.Append(error.InvariantSeverity).Append(' ');
        text.Append(garbled ? "client_encoding was changed while it ran, and what came after that would be stored as other letters"
            : HistoryErrors.IsSwallowed(history, error) ? HistoryErrors.Words(history, error)
            : error.SqlState == PostgresErrorCodes.DivisionByZero && beside?.Writes(error.BatchCommand) == true
                ? $"{beside.Where} did not take it"
            : $"{error.SqlState}: {script.File.HideIn(error.MessageText)}");
        Field("DETAIL", Hidden(error.Detail));
        Field("HINT", Hidden(error.Hint));
        Field("QUERY", Hidden(error.InternalQuery));
        Field("CONTEXT", Hidden(error.Where));
        Field("LOCK HELD BY", blockers);
        return new PgOpsException(PgErrorCode.MigrationFailed, text.ToString(), state, next ?? Next(script, error, statement, blockers),
            Shown(script, error))
        {
            Subject = script.File.Path,
            Statement = new PgStatementError
            {
                File = script.File.Path,
                Line = excerpt.Line,
                Column = excerpt.Column,
                Sql = statement is not null ? script.File.Hide(statement.Text) : (recording is not null ? error.BatchCommand!.CommandText
                    : "COMMIT"),
                SqlState = error.SqlState,
                Message = script.File.HideIn(error.MessageText),
                Detail = Hidden(error.Detail),
                Hint = Hidden(error.Hint),
                Where = Hidden(error.Where),
            },
        };

        string? Hidden(string? said) => said is null ? null : script.File.HideIn(said);

        void Field(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                text.Append('\n').Append(name).Append(": ").Append(value.Replace("\n", "\n    ", StringComparison.Ordinal));
            }
        }
    }

    /// <summary>The server's error as it may be shown, without the driver's copy of the statement: Get-Error shows causes, too.</summary>
    private static PostgresException Shown(MigrationScript script, PostgresException error)
    {
        var message = script.File.HideIn(error.MessageText);
        var (detail, hint, query, where) = (Hidden(error.Detail), Hidden(error.Hint), Hidden(error.InternalQuery), Hidden(error.Where));
        return new PostgresException(
                message, error.Severity, error.InvariantSeverity, error.SqlState, detail, hint, error.Position, error.InternalPosition,
                    query, where,
                error.SchemaName, error.TableName, error.ColumnName, error.DataTypeName, error.ConstraintName, error.File, error.Line,
                    error.Routine);

        string? Hidden(string? said) => said is null ? null : script.File.HideIn(said);
    }

    /// <summary>
    /// Records a failure. Where the history refuses that, the failure comes first all the same, and the refusal after it.
    /// </summary>
    /// <param name="failure">The failure.</param>
    /// <param name="history">The history.</param>
    /// <param name="record">Records it.</param>
    /// <returns>The error to throw.</returns>
    internal static async Task<PgOpsException> RecordedAsync(PgOpsException failure, HistoryTable history, Func<Task> record)
    {
        try
        {
            await record().ConfigureAwait(false);
            return failure;
        }
        catch (Exception error) when (error is NpgsqlException or InvalidOperationException or IOException)
        {
            return failure.InState($"{failure.State} The history {history.Name} does not say that it failed, for that could not be "
                + $"recorded: {HistoryErrors.Words(history, error)}.");
        }
    }

    /// <summary>What to do about an undo that cannot be one transaction.</summary>
    /// <param name="version">The migration that was to be undone.</param>
    internal static string UndoByHand(string version)
        => "Leave what cannot run in a transaction out of the down script; or run the script by hand and record that with "
            + $"Repair-PgMigration -Version {version} -MarkNotApplied -Reason '…'.";

    /// <summary>A place that a scaffold left, in the statement or behind the last word that it has.</summary>
    private static string? PlaceIn(MigrationScript script, SqlStatement statement)
    {
        var next = script.Statements.FirstOrDefault(other => other.Offset > statement.Offset)?.Offset ?? script.Text.Length;
        return MigrationTemplate.PlaceIn(script.Text[statement.Offset..next]);
    }

    private static string Next(MigrationScript of, PostgresException error, SqlStatement? statement, string? held) => error.SqlState switch
    {
        PostgresErrorCodes.ActiveSqlTransaction or PostgresErrorCodes.InvalidTransactionTermination when of.Undone is { } undone =>
            UndoByHand(undone.Version),
        PostgresErrorCodes.ObjectNotInPrerequisiteState when error.Routine is "currval_oid" or "lastval" =>
            "currval and lastval know only what their own session drew, and a run that goes on has a new one: write "
                + "(SELECT max(id) FROM …) or SELECT last_value FROM the sequence instead, and run the command again.",
        PostgresErrorCodes.LockNotAvailable when held is not null =>
            "Wait for that session, or end it with SELECT pg_terminate_backend(pid), and run the command again.",
        PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected =>
            "Run the command again when the table is less busy (-LockTimeout waits longer for each lock).",
        PostgresErrorCodes.ActiveSqlTransaction when statement is not null && (statement.Keywords is ["SET", ..]
            || SettingAssignment.In(statement).Any(setting => setting.Name.StartsWith("transaction_", StringComparison.Ordinal))) =>
            "Make it the first statement of the file, or wrap the file in BEGIN ISOLATION LEVEL … and COMMIT.",
        PostgresErrorCodes.ActiveSqlTransaction =>
            "Put '-- pgops: no-transaction' at the head of the file, so that its statements run one by one.",
        PostgresErrorCodes.InsufficientPrivilege => "Grant the role what it lacks, or migrate as the owner, and run the command again.",
        PostgresErrorCodes.DuplicateTable or PostgresErrorCodes.DuplicateObject or PostgresErrorCodes.DuplicateSchema
            or PostgresErrorCodes.DuplicateColumn or PostgresErrorCodes.DuplicateFunction =>
            "If the database already held this before PgOps, adopt it with Invoke-PgMigration -Baseline; else correct the file. "
                + "Then run the command again.",
        UnsafeNewEnumValueUsage =>
            "A value that ALTER TYPE … ADD VALUE makes can be used when its transaction has ended: put it into a migration of its own "
                + "before "
                + "this one, or between BEGIN and COMMIT at the head of this file.",
        PostgresErrorCodes.ObjectInUse =>
            "Rows that this transaction wrote still wait for their deferred checks or triggers: SET CONSTRAINTS ALL IMMEDIATE before this "
                + "statement has them done, or give the statement a migration of its own.",
        PostgresErrorCodes.UntranslatableCharacter =>
            "The database's encoding lacks the character: take it out of the file, or move the database to UTF8.",
        PostgresErrorCodes.SyntaxError when statement is not null && PlaceIn(of, statement) is { } place =>
            $"The scaffold left {place} to be filled in: write what belongs there, and run the command again.",
        PostgresErrorCodes.InvalidTransactionTermination =>
            "A routine that commits needs '-- pgops: no-transaction' at the head of the file.",
        _ => "Correct the file and run the command again.",
    };
}
