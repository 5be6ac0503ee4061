using System.Globalization;
using System.Text.RegularExpressions;

namespace PgOps.Core.Common.Text;

/// <summary>
/// Reads points in time by ISO 8601: <c>2026-01-31</c>, <c>2026-01-31 18:30</c>, <c>2026-01-31T18:30:00Z</c>, and the time in a backup's
/// name, <c>20260131-183000Z</c>. Without Z or an offset the local time is meant. 01/02/2026 is another day in another country.
/// </summary>
public static partial class DateText
{
    // PostgreSQL's own first year: an older date is a number of ticks.
    private const int FirstYear = 1996;

    /// <summary>Reads a point in time.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The time, with its offset.</returns>
    /// <exception cref="PgOpsException">InvalidArgument, with the right spellings.</exception>
    public static DateTimeOffset Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var trimmed = text.Trim();
        if ((Form().Match(trimmed) is { Success: true } form ? form : StampForm().Match(trimmed)) is not { Success: true } found)
        {
            throw Refuse(trimmed);
        }

        try
        {
            var day = new DateOnly(Number("year"), Number("month"), Number("day"));
            var local = day.ToDateTime(new TimeOnly(Number("hour"), Number("minute"), Number("second")))
                .AddTicks((long)(Fraction() * TimeSpan.TicksPerSecond));
            var offset = new TimeSpan(Number("offhour"), Number("offminute"), 0);
            return found.Groups["utc"].Success ? Require(new DateTimeOffset(local, TimeSpan.Zero))
                : found.Groups["sign"] is { Success: true } sign ? Require(new DateTimeOffset(local, sign.Value == "-" ? -offset : offset))
                : Of(local);
        }
        catch (ArgumentException)
        {
            // The 31st of February, the 25th hour.
            throw Refuse(trimmed);
        }

        int Number(string group) => found.Groups[group] is { Success: true } digits
            ? int.Parse(digits.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture)
            : 0;

        decimal Fraction() => found.Groups["fraction"] is { Success: true } digits
            ? decimal.Parse("0." + digits.Value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture)
            : 0;
    }

    /// <summary>Takes a date of .NET's: local unless it says that it is UTC.</summary>
    /// <param name="date">The date.</param>
    /// <returns>The time, with its offset.</returns>
    /// <exception cref="PgOpsException">InvalidArgument: it was made of a number.</exception>
    public static DateTimeOffset Of(DateTime date)
        => date.Year < FirstYear ? throw Refuse(Day(date)) : Require(new DateTimeOffset(date));

    /// <summary>Refuses a time that cannot be meant.</summary>
    /// <param name="date">The time.</param>
    /// <returns>The time.</returns>
    /// <exception cref="PgOpsException">InvalidArgument: it was made of a number.</exception>
    public static DateTimeOffset Require(DateTimeOffset date)
        => date.Year < FirstYear ? throw Refuse(Day(date.Date)) : date;

    private static string Day(DateTime date) => date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>The error about something that is not a date.</summary>
    /// <param name="given">What was given.</param>
    /// <returns>The error.</returns>
    public static PgOpsException Refuse(string given)
    {
        ArgumentNullException.ThrowIfNull(given);
        var problem = given.Length == 0 ? "An empty text is not a date"
            : CultureForm().IsMatch(given) ? $"{given} is another day in another country"
            : int.TryParse(given.AsSpan(0, Math.Min(4, given.Length)), NumberStyles.None, CultureInfo.InvariantCulture, out var year)
                && year < FirstYear && given.Contains('-', StringComparison.Ordinal)
                ? $"{given} is before PostgreSQL's time, a number of ticks"
            : $"{given} is not a date";
        return new PgOpsException(
            PgErrorCode.InvalidArgument,
            $"{problem}: write 2026-01-31 or 2026-01-31T18:30:00Z. Without Z or an offset the local time is meant.");
    }

    [GeneratedRegex(
        @"^(?<year>[0-9]{4})-(?<month>[0-9][0-9])-(?<day>[0-9][0-9])"
        + @"(?:[Tt ]+(?<hour>[0-9][0-9]):(?<minute>[0-9][0-9])(?::(?<second>[0-9][0-9])(?:\.(?<fraction>[0-9]{1,9}))?)?\s*"
        + @"(?:(?<utc>Z|z|UTC)|(?<sign>[+-])(?<offhour>[0-9][0-9])(?::?(?<offminute>[0-9][0-9]))?)?)?$",
        RegexOptions.CultureInvariant)]
    private static partial Regex Form();

    [GeneratedRegex(
        @"^(?<year>[0-9]{4})(?<month>[0-9]{2})(?<day>[0-9]{2})[-T](?<hour>[0-9]{2})(?<minute>[0-9]{2})(?<second>[0-9]{2})(?<utc>Z)$",
        RegexOptions.CultureInvariant)]
    private static partial Regex StampForm();

    [GeneratedRegex(@"^[0-9]{1,4}[/.][0-9]{1,2}[/.][0-9]{1,4}\b", RegexOptions.CultureInvariant)]
    private static partial Regex CultureForm();
}
