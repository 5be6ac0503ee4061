namespace PgOps.Core.Sql;

/// <summary>
/// psql's meta-commands: what to say of one that stands in a script (https://www.postgresql.org/docs/current/app-psql.html).
/// </summary>
internal static class PsqlMetaCommand
{
    /// <summary>Whether psql sends the statement before the command, as if a semicolon stood there.</summary>
    /// <param name="command">The command with its backslash.</param>
    public static bool SendsStatement(string command) => command
        is @"\g" or @"\gx" or @"\gset" or @"\gexec" or @"\gdesc" or @"\crosstabview" or @"\watch" or @"\;"
        or @"\bind" or @"\bind_named" or @"\parse" or @"\sendpipeline";

    /// <summary>What kind of problem the command is.</summary>
    /// <param name="command">The command with its backslash.</param>
    public static SqlProblemKind ProblemKind(string command) =>
        command is @"\restrict" or @"\unrestrict" ? SqlProblemKind.RestrictLine : SqlProblemKind.PsqlMetaCommand;

    /// <summary>What is wrong.</summary>
    /// <param name="command">The command with its backslash.</param>
    public static string Message(string command) => command switch
    {
        @"\restrict" or @"\unrestrict" => $"{command} is a psql line that pg_dump writes since August 2025; it is not SQL.",
        @"\." => @"The end-of-data line \. stands here without COPY ... FROM STDIN before it.",
        @"\" => "A backslash stands outside quotes; neither SQL nor psql has a meaning for it here.",
        _ => $"{command} is a psql meta-command; the server does not know it.",
    };

    /// <summary>The way out.</summary>
    /// <param name="command">The command with its backslash.</param>
    public static string NextStep(string command) => command switch
    {
        @"\restrict" or @"\unrestrict" => "Delete the line: it only guards psql against foreign meta-commands, and no statement needs it.",
        @"\." => @"Delete the line, or give the COPY statement before it FROM STDIN and a semicolon at its line's end.",
        @"\" => "Delete it, or quote the text it belongs to.",
        @"\c" or @"\connect" => "Delete the line and name the database with -Target; one migration runs in one database.",
        @"\i" or @"\include" or @"\ir" or @"\include_relative" =>
            "Put that file's statements here, or give the file as a migration of its own.",
        @"\copy" => @"Use COPY ... FROM STDIN with the data inline and a \. line behind it, or load the data in a step of its own.",
        @"\set" or @"\unset" or @"\getenv" or @"\prompt" => "Delete the line and write each value where its :variable stands.",
        @"\gset" => "End the statement with a semicolon, and use a subquery or a DO block where its result is needed.",
        @"\gexec" => "Build and run the statements in a DO block: FOR ... IN SELECT ... LOOP EXECUTE ...; END LOOP.",
        @"\;" or @"\g" or @"\gx" or @"\gdesc" or @"\crosstabview" or @"\watch" => "End the statement with a plain semicolon.",
        @"\bind" or @"\bind_named" or @"\parse" or @"\sendpipeline" => "Write the values into the statement and end it with a semicolon.",
        @"\if" or @"\elif" or @"\else" or @"\endif" => "Decide in SQL: IF NOT EXISTS, or a DO block with IF ... THEN.",
        @"\!" => "Delete the line; a migration runs no shell commands.",
        @"\encoding" => "Delete the line and save the script as UTF-8.",
        @"\q" or @"\quit" => "Delete the line and whatever stands behind it.",
        @"\password" => "Use ALTER ROLE in a step of its own, with a password that is not kept in a file.",
        @"\lo_import" => "Use lo_from_bytea() with the data in the statement.",
        _ => "Delete the line; the schema does not need it.",
    };
}
