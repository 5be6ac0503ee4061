namespace PgOps.Core.Migrations;

/// <summary>Orders versions as numbers of any length: 2 before 10, 007 equal to 7, 20251015093045 after both.</summary>
public sealed class MigrationVersion : IComparer<string?>, IEqualityComparer<string>
{
    /// <summary>The one order.</summary>
    public static MigrationVersion Order { get; } = new();

    /// <inheritdoc/>
    public int Compare(string? x, string? y)
    {
        var left = Significant(x);
        var right = Significant(y);
        return left.Length != right.Length ? left.Length.CompareTo(right.Length) : left.SequenceCompareTo(right);
    }

    /// <inheritdoc/>
    public bool Equals(string? x, string? y) => Compare(x, y) == 0;

    /// <inheritdoc/>
    public int GetHashCode(string obj) => string.GetHashCode(Significant(obj), StringComparison.Ordinal);

    private static ReadOnlySpan<char> Significant(string? version) => version.AsSpan().TrimStart('0');
}
