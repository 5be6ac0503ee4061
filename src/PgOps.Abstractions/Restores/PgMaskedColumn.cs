namespace PgOps;

/// <summary>A column that <c>Restore-PgDatabase -Mask</c> masked.</summary>
public sealed record PgMaskedColumn
{
    /// <summary>Schema and table, quoted where PostgreSQL needs it.</summary>
    public required string Table { get; init; }

    /// <summary>The column.</summary>
    public required string Column { get; init; }

    /// <summary>The rule: name, email, phone, null, hash, shuffle, fixed or expression.</summary>
    public required string Rule { get; init; }

    /// <summary>Rows of the table, each of which was given a new value.</summary>
    public long Rows { get; init; }

    /// <summary>
    /// Rows whose new value is one of the column's original values: all of a shuffled column, none of one with an invented value, and of
    /// an expression as many as it left.
    /// </summary>
    public long KeptValues { get; init; }

    /// <summary>The column whose rule it follows, because a foreign key refers to it; null for a rule of its own.</summary>
    public string? Follows { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Table}.{Column}: {Rule}";
}
