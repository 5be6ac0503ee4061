namespace PgOps.Core.Sql;

/// <summary>What is wrong with a script before any server sees it.</summary>
internal enum SqlProblemKind
{
    /// <summary>A psql meta-command (<c>\c</c>, <c>\i</c>, <c>\copy</c>...): the server does not know them.</summary>
    PsqlMetaCommand,

    /// <summary>A <c>\restrict</c> or <c>\unrestrict</c> line, as pg_dump writes them; to run the script without it is safe.</summary>
    RestrictLine,

    /// <summary>A psql variable (<c>:name</c>, <c>:'name'</c>, <c>:"name"</c>), which only psql replaces.</summary>
    PsqlVariable,

    /// <summary>A string constant that never ends.</summary>
    UnterminatedString,

    /// <summary>A quoted identifier that never ends.</summary>
    UnterminatedIdentifier,

    /// <summary>A dollar-quoted string that never ends.</summary>
    UnterminatedDollarQuote,

    /// <summary>A <c>/*</c> comment that never ends.</summary>
    UnterminatedComment,

    /// <summary>An opening parenthesis that is never closed, so that no semicolon ends its statement.</summary>
    UnclosedParenthesis,

    /// <summary>A <c>BEGIN ATOMIC</c> body that never ends.</summary>
    UnterminatedRoutineBody,

    /// <summary>Inline <c>COPY</c> data without its closing <c>\.</c> line.</summary>
    UnterminatedCopyData,

    /// <summary>Something stands between a <c>COPY ... FROM STDIN;</c> and the line end before its data.</summary>
    TextAfterCopy,

    /// <summary>A NUL character, which no statement can carry.</summary>
    NulCharacter,
}
