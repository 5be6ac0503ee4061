namespace PgOps.Core.Checks;

/// <summary>From where on something is found.</summary>
public sealed record DatabaseThresholds
{
    /// <summary>The usual ones.</summary>
    public static DatabaseThresholds Default { get; } = new();

    /// <summary>Per cent of a sequence's numbers that are used up, from which it is a warning.</summary>
    public double SequenceWarning { get; init; } = 75;

    /// <summary>The same, for an error.</summary>
    public double SequenceError { get; init; } = 90;

    /// <summary>
    /// Per cent of the 2^31 transaction ids that are used up, from which it is a warning. Autovacuum begins at 9 per cent in its default
    /// settings, so half of all says that it does not keep up.
    /// </summary>
    public double WraparoundWarning { get; init; } = 50;

    /// <summary>The same, for an error. At about 75 the server itself leaves all else aside (vacuum_failsafe_age).</summary>
    public double WraparoundError { get; init; } = 75;

    /// <summary>How long the server must have counted before an index counts as unused. A report at the month's end may need it.</summary>
    public TimeSpan UnusedIndexAge { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Bytes from which on an unused index is worth a warning.</summary>
    public long UnusedIndexSize { get; init; } = 1024 * 1024;
}
