using Npgsql;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.History;

/// <summary>What the server refuses of the history's own statements, in words and with a way out.</summary>
internal static class HistoryErrors
{
    private const string Trigger =
        "An event trigger may stand behind this: SELECT evtname, evtfoid::regproc FROM pg_event_trigger; shows them. "
        + "See to what refuses the statement, and run the command again.";

    /// <summary>What the server said of a row; a row that a trigger let vanish fails on a division by the rows written.</summary>
    internal static string Words(HistoryTable table, Exception error) => error switch
    {
        PostgresException server when IsSwallowed(table, server) => $"a trigger or a rule on {table.Name} swallowed the row",
        PostgresException server => $"{server.SqlState} {server.MessageText}",
        _ => error.Message,
    };

    /// <summary>The way out of a row that was not written; null when the kind of the error tells.</summary>
    internal static string? Next(HistoryTable table, PostgresException error) => error.SqlState switch
    {
        _ when IsSwallowed(table, error) => $"As the table's owner: ALTER TABLE {table.Name} DISABLE TRIGGER USER; then run the command "
            + "again. A history that does not hold every migration is none.",
        PostgresErrorCodes.InsufficientPrivilege when table.Writes(error.BatchCommand) =>
            $"As the table's owner: GRANT SELECT, INSERT, UPDATE ON {table.Name} TO the role that migrates; then run the command again.",
        PostgresErrorCodes.FeatureNotSupported when table.Writes(error.BatchCommand) =>
            $"A rule on the table changes what PgOps writes. As its owner: DROP RULE … ON {table.Name} (psql's \\d names it); then run "
                + "the command again.",
        PostgresErrorCodes.UntranslatableCharacter when table.Writes(error.BatchCommand) =>
            "The history keeps the whole file, comments too, and the database's encoding lacks a character of it: take the character out "
                + "of the file, and run the command again.",
        _ => null,
    };

    /// <summary>Whether a trigger or a rule took the row away without a word.</summary>
    internal static bool IsSwallowed(HistoryTable table, PostgresException error)
        => error.SqlState == PostgresErrorCodes.DivisionByZero && string.IsNullOrEmpty(error.Where) && table.Writes(error.BatchCommand);

    /// <summary>The history was not created.</summary>
    internal static PgOpsException Creating(HistoryTable table, HistoryStanding standing, PostgresException error)
    {
        var schema = Quote.Identifier(table.Schema);
        var statement = error.BatchCommand?.CommandText.Split('\n')[0].TrimEnd(' ', '(') ?? "COMMIT";
        return new PgOpsException(
            error.SqlState == PostgresErrorCodes.InsufficientPrivilege ? PgErrorCode.PermissionDenied : PgErrorCode.StatementFailed,
            $"The history {table.Name} was not created: {statement} failed: {error.SqlState} {error.MessageText}",
            "Nothing of the history was created, and no migration was run.",
            error.SqlState != PostgresErrorCodes.InsufficientPrivilege ? error.Hint ?? Trigger
                : error.BatchCommand?.CommandText == table.CreateSchemaStatement
                    ? $"As the database's owner: CREATE SCHEMA {schema} AUTHORIZATION {standing.Grantee}; or "
                        + $"GRANT CREATE ON DATABASE {Quote.Identifier(standing.Database)} TO {standing.Grantee}; or name a schema that "
                        + "the role owns with -HistorySchema. Then run the command again."
                : error.BatchCommand?.CommandText == table.CreateStatements.First()
                    ? $"As the schema's owner: GRANT USAGE, CREATE ON SCHEMA {schema} TO {standing.Grantee}; then run the command again."
                : Trigger,
            error);
    }

    /// <summary>As <see cref="ServerErrors.Working"/>, and knows what may be wrong with the history.</summary>
    internal static PgOpsException Working(PgTarget target, HistoryTable table, NpgsqlException error, string doing, string? state = null)
    {
        var told = ServerErrors.Working(target, error, doing, state);
        return error is not PostgresException server || Next(table, server) is not { } next ? told : told.InState(
            state ?? "Nothing was recorded.", $"{target}: {doing} failed: {Words(table, error)}.", next);
    }
}
