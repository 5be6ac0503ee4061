namespace PgOps;

/// <summary>The server's refusal of one statement (https://www.postgresql.org/docs/current/protocol-error-fields.html).</summary>
public sealed record PgStatementError
{
    /// <summary>The script's path; null when the statement came from no file.</summary>
    public string? File { get; init; }

    /// <summary>Line in the file, counted from 1.</summary>
    public int Line { get; init; }

    /// <summary>Column in that line in characters, counted from 1.</summary>
    public int Column { get; init; }

    /// <summary>The statement's text.</summary>
    public string Sql { get; init; } = "";

    /// <summary>The five-character SQLSTATE.</summary>
    public string SqlState { get; init; } = "";

    /// <summary>The server's message.</summary>
    public string Message { get; init; } = "";

    /// <summary>The server's detail.</summary>
    public string? Detail { get; init; }

    /// <summary>The server's hint.</summary>
    public string? Hint { get; init; }

    /// <summary>The server's context (call stack of functions).</summary>
    public string? Where { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{SqlState}: {Message}";
}
