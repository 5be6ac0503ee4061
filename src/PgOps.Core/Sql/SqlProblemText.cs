namespace PgOps.Core.Sql;

/// <summary>What is said of each <see cref="SqlProblemKind"/>, and the way out of it.</summary>
internal static class SqlProblemText
{
    public static string Message(SqlProblemKind kind, string command) => kind switch
    {
        SqlProblemKind.PsqlVariable => "A psql variable stands here; the server does not know them.",
        SqlProblemKind.UnterminatedString => "The string that begins here is never closed.",
        SqlProblemKind.UnterminatedIdentifier => "The quoted identifier that begins here is never closed.",
        SqlProblemKind.UnterminatedDollarQuote => "The dollar-quoted string that begins here is never closed.",
        SqlProblemKind.UnterminatedComment => "The comment that begins here is never closed.",
        SqlProblemKind.UnclosedParenthesis => "The parenthesis that opens here is never closed, so no semicolon ends its statement.",
        SqlProblemKind.UnterminatedRoutineBody => "The BEGIN ATOMIC body that begins here has no END.",
        SqlProblemKind.UnterminatedCopyData => @"The data of this COPY ... FROM STDIN have no closing \. line.",
        SqlProblemKind.TextAfterCopy => "Something stands between this COPY ... FROM STDIN and its data, which begin on the next line.",
        SqlProblemKind.NulCharacter => "A NUL character stands here; PostgreSQL cannot read one.",
        _ => PsqlMetaCommand.Message(command),
    };

    public static string NextStep(SqlProblemKind kind, string command) => kind switch
    {
        SqlProblemKind.PsqlVariable => "Write the value in its place.",
        SqlProblemKind.UnterminatedString =>
            "Close it with a single quote; a quote inside is written twice, and a backslash escapes only in E'...'.",
        SqlProblemKind.UnterminatedIdentifier => "Close it with a double quote; one inside is written twice.",
        SqlProblemKind.UnterminatedDollarQuote => "Close it with the tag that opened it; upper and lower case differ.",
        SqlProblemKind.UnterminatedComment => "Close it with */; comments nest, so each /* inside needs its own.",
        SqlProblemKind.UnclosedParenthesis => "Close it.",
        SqlProblemKind.UnterminatedRoutineBody =>
            "End each statement of the body with a semicolon, also the last one, and the body with END;.",
        SqlProblemKind.UnterminatedCopyData => @"Put a line with \. alone behind the data.",
        SqlProblemKind.TextAfterCopy => @"Move it behind the line \. that ends the data.",
        SqlProblemKind.NulCharacter => "Remove it; if every second character is NUL, save the file as UTF-8 instead of UTF-16.",
        _ => PsqlMetaCommand.NextStep(command),
    };
}
