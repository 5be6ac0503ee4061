using System.Globalization;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>
/// Orders versions as numbers of any length: 2 before 10, 007 equal to 7, 20251015093045 after both; dotted ones part by part, where
/// 1.2 comes before 1.10 and 1.0 equals 1. What does not begin with a digit (<c>R__views</c>) comes after all of them, by its letters.
/// </summary>
internal sealed class MigrationVersion : IComparer<string?>, IEqualityComparer<string>
{
    /// <summary>node-pg-migrate's time in UTC, with milliseconds; its other times are milliseconds since 1970.</summary>
    private const string NodeTime = "yyyyMMddHHmmssfff";

    private readonly Comparison<string>? _ownOrder;

    private MigrationVersion(Comparison<string>? ownOrder) => _ownOrder = ownOrder;

    /// <summary>The order of numbers.</summary>
    public static MigrationVersion Order { get; } = new(null);

    /// <summary>
    /// Diesel's order, that of texts, where 10 comes before 9 and a day before its hours. Which versions are equal stays the same.
    /// </summary>
    public static MigrationVersion TextOrder { get; } = new(string.CompareOrdinal);

    /// <summary>dbmate's order, that of files' names: 10 before 9, but 20240102_x behind 20240102130000_x.</summary>
    public static MigrationVersion NameOrder { get; } = new((x, y) => string.CompareOrdinal($"{x}_", $"{y}_"));

    /// <summary>The order of numbers, where 20240101000000000 is the moment 1704067200000.</summary>
    public static MigrationVersion NodeOrder { get; } = new((x, y) => Order.Compare(Moment(x), Moment(y)));

    /// <summary>The order in which the tool of a shape runs its migrations.</summary>
    internal static MigrationVersion OrderOf(MigrationShape shape)
        => shape switch
        {
            MigrationShape.Diesel => TextOrder,
            MigrationShape.Dbmate => NameOrder,
            MigrationShape.NodePgMigrate => NodeOrder,
            _ => Order,
        };

    /// <inheritdoc/>
    public int Compare(string? x, string? y)
    {
        if (IsName(x) || IsName(y))
        {
            var kind = IsName(x).CompareTo(IsName(y));
            return kind != 0 ? kind : string.CompareOrdinal(x, y);
        }

        if (_ownOrder is not null && x is not null && y is not null)
        {
            return _ownOrder(x, y);
        }

        var left = x.AsSpan();
        var right = y.AsSpan();
        while (true)
        {
            var order = CompareNumbers(NextPart(ref left), NextPart(ref right));
            if (order != 0 || (left.IsEmpty && right.IsEmpty))
            {
                return order;
            }
        }
    }

    /// <inheritdoc/>
    public bool Equals(string? x, string? y) => Order.Compare(x, y) == 0;

    /// <inheritdoc/>
    public int GetHashCode(string obj)
    {
        if (IsName(obj))
        {
            return string.GetHashCode(obj, StringComparison.Ordinal);
        }

        // The first part alone: later ones may be zeros that another spelling leaves out.
        var rest = obj.AsSpan();
        return string.GetHashCode(NextPart(ref rest), StringComparison.Ordinal);
    }

    private static string Moment(string version) => DateTimeOffset.TryParseExact(
        version, NodeTime, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
        ? time.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture)
        : version;

    private static bool IsName(string? version) => !string.IsNullOrEmpty(version) && !char.IsAsciiDigit(version[0]);

    private static int CompareNumbers(ReadOnlySpan<char> left, ReadOnlySpan<char> right)
        => left.Length != right.Length ? left.Length.CompareTo(right.Length) : left.SequenceCompareTo(right);

    /// <summary>Takes the digits up to the next dot off, without leading zeros.</summary>
    private static ReadOnlySpan<char> NextPart(ref ReadOnlySpan<char> version)
    {
        var dot = version.IndexOf('.');
        var part = dot < 0 ? version : version[..dot];
        version = dot < 0 ? [] : version[(dot + 1)..];
        return part.TrimStart('0');
    }
}
