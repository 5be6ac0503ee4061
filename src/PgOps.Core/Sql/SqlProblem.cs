namespace PgOps.Core.Sql;

/// <summary>A place in a script that cannot be run, and the way out.</summary>
internal sealed record SqlProblem
{
    /// <summary>What kind of problem it is.</summary>
    public required SqlProblemKind Kind { get; init; }

    /// <summary>Where it is: UTF-16 index into the script.</summary>
    public required int Offset { get; init; }

    /// <summary>Its line, counted from 1.</summary>
    public required int Line { get; init; }

    /// <summary>Its column in characters, counted from 1.</summary>
    public required int Column { get; init; }

    /// <summary>What is wrong.</summary>
    public required string Message { get; init; }

    /// <summary>The way out.</summary>
    public required string NextStep { get; init; }
}
