namespace PgOps;

/// <summary>A row that is not the same on both sides.</summary>
public sealed record PgRowDifference
{
    /// <summary>Schema.</summary>
    public required string Schema { get; init; }

    /// <summary>Table.</summary>
    public required string Table { get; init; }

    /// <summary>The primary key as <c>column=value</c>.</summary>
    public required string Key { get; init; }

    /// <summary>Missing, extra or different.</summary>
    public required PgObjectVerdict Verdict { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Schema}.{Table} {Key}: {Verdict}";
}
