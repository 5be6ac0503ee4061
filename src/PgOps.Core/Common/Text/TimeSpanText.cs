using System.Globalization;
using System.Text.RegularExpressions;

namespace PgOps.Core.Common.Text;

/// <summary>
/// Reads spans of time as people write them: <c>90s</c>, <c>26h</c>, <c>2 days</c>, <c>1d12h</c>, <c>26:00</c> (26 hours), and .NET's
/// <c>1.02:00:00</c>. A number without a unit is refused: .NET would take 14 for ticks of 0.0000001 s, and '14' for days.
/// </summary>
public static partial class TimeSpanText
{
    // lock_timeout, statement_timeout and .NET's timers count milliseconds in 32 bits.
    private static readonly TimeSpan LongestTimeout = TimeSpan.FromMilliseconds(int.MaxValue);

    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);

    private static readonly Dictionary<string, TimeSpan> Units = new(StringComparer.OrdinalIgnoreCase)
    {
        ["ms"] = TimeSpan.FromMilliseconds(1),
        ["millisecond"] = TimeSpan.FromMilliseconds(1),
        ["s"] = TimeSpan.FromSeconds(1),
        ["sec"] = TimeSpan.FromSeconds(1),
        ["second"] = TimeSpan.FromSeconds(1),
        ["m"] = TimeSpan.FromMinutes(1),
        ["min"] = TimeSpan.FromMinutes(1),
        ["minute"] = TimeSpan.FromMinutes(1),
        ["h"] = TimeSpan.FromHours(1),
        ["hr"] = TimeSpan.FromHours(1),
        ["hour"] = TimeSpan.FromHours(1),
        ["d"] = TimeSpan.FromDays(1),
        ["day"] = TimeSpan.FromDays(1),
        ["w"] = TimeSpan.FromDays(7),
        ["week"] = TimeSpan.FromDays(7),
    };

    private static readonly string[] Named = ["d", "h", "min", "s", "ms"];

    private static readonly Dictionary<string, int> Calendar = new(StringComparer.OrdinalIgnoreCase)
    {
        ["mo"] = 30,
        ["mon"] = 30,
        ["month"] = 30,
        ["y"] = 365,
        ["yr"] = 365,
        ["year"] = 365,
    };

    /// <summary>Reads a span.</summary>
    /// <param name="text">The text.</param>
    /// <param name="use">What it is for.</param>
    /// <returns>The span.</returns>
    /// <exception cref="PgOpsException">InvalidArgument, with the right spellings.</exception>
    public static TimeSpan Parse(string text, TimeSpanUse use)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(use);
        var trimmed = text.Trim();
        try
        {
            return Require(Clock(trimmed) ?? Words(trimmed, use), trimmed, use);
        }
        catch (OverflowException)
        {
            throw Refusal($"{trimmed} is longer than any time span", null, use);
        }
    }

    /// <summary>Refuses a span that cannot be meant: a negative one, one that counts ticks, and zero where it has no meaning.</summary>
    /// <param name="span">The span.</param>
    /// <param name="use">What it is for.</param>
    /// <returns>The span.</returns>
    /// <exception cref="PgOpsException">InvalidArgument, with the right spellings.</exception>
    public static TimeSpan Require(TimeSpan span, TimeSpanUse use)
    {
        ArgumentNullException.ThrowIfNull(use);
        return Require(span, span.ToString("c", CultureInfo.InvariantCulture), use);
    }

    /// <summary>The error about something that is not a span.</summary>
    /// <param name="given">What was given.</param>
    /// <param name="use">What it is for.</param>
    /// <returns>The error.</returns>
    public static PgOpsException Refuse(string given, TimeSpanUse use)
    {
        ArgumentNullException.ThrowIfNull(given);
        ArgumentNullException.ThrowIfNull(use);
        var shown = given.Length == 0 ? "An empty text" : given;
        return !decimal.TryParse(given, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? Refusal($"{shown} is not a time span", null, use)
            : number < 0 ? Refusal($"{shown} is negative and not a time span", -number, use)
            : Refusal($"{shown} is not a time span", number, use);
    }

    private static TimeSpan Require(TimeSpan span, string text, TimeSpanUse use)
    {
        if (span < TimeSpan.Zero)
        {
            throw Refusal($"{text} is a negative time span", null, use);
        }

        if (span == TimeSpan.Zero)
        {
            return use.Zero ? span : throw Refusal($"{text} is no time at all", null, use);
        }

        return span < Shortest ? throw Refusal($"{text} is less than a millisecond, a number of ticks", null, use)
            : use.Unit == "s" && span > LongestTimeout
                ? throw Refusal($"{text} is longer than the 24 days that a timeout can last", null, use)
            : span;
    }

    private static TimeSpan? Clock(string text)
    {
        if (ClockForm().Match(text) is not { Success: true } form)
        {
            return null;
        }

        var days = form.Groups["days"];
        var hours = int.Parse(form.Groups["hours"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture);
        return days.Success && hours > 23
            ? null
            : TimeSpan.FromDays(days.Success ? int.Parse(days.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture) : 0)
                + TimeSpan.FromHours(hours)
                + TimeSpan.FromMinutes(int.Parse(form.Groups["minutes"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture))
                + Of(form.Groups["seconds"] is { Success: true } seconds ? seconds.Value : "0", TimeSpan.FromSeconds(1));
    }

    private static TimeSpan Words(string text, TimeSpanUse use)
    {
        if (text.StartsWith('-') && (Clock(text[1..]) is not null || WordForm().IsMatch(text[1..])))
        {
            throw Refusal($"{text} is a negative time span", null, use, text[1..]);
        }

        if (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) || WordForm().Match(text) is not { Success: true } form)
        {
            throw Refuse(text, use);
        }

        var sum = TimeSpan.Zero;
        var seen = new HashSet<TimeSpan>();
        foreach (var (amount, unitName) in form.Groups["number"].Captures.Zip(form.Groups["unit"].Captures))
        {
            var (number, word) = (amount.Value, unitName.Value);
            var name = word.Length > 2 && Units.ContainsKey(word.TrimEnd('s', 'S')) ? word.TrimEnd('s', 'S') : word;
            if (Calendar.TryGetValue(word.Length > 1 ? word.TrimEnd('s', 'S') : word, out var days))
            {
                throw Refusal($"{text}: months and years have no fixed length", null, use, $"{number}{word}", days * Value(number));
            }

            if (use.Unit == "d" && name is "m" or "M")
            {
                throw new PgOpsException(PgErrorCode.InvalidArgument, FormattableString.Invariant(
                    $"{text} may mean minutes or months: write {number}min or {30 * Value(number):0.##}d."));
            }

            if (!Units.TryGetValue(name, out var unit))
            {
                throw Refusal($"{text} is not a time span, for '{word}' is not a unit of time", Value(number), use);
            }

            if (!seen.Add(unit))
            {
                throw Refusal($"{text} names the same unit twice and is not a time span", null, use);
            }

            sum += Of(number, unit);
        }

        return sum;
    }

    private static decimal Value(string number) => decimal.Parse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture);

    private static TimeSpan Of(string number, TimeSpan unit) => TimeSpan.FromTicks((long)(Value(number) * unit.Ticks));

    /// <summary>The same number in both right spellings, or an example where there is no number to go by.</summary>
    private static PgOpsException Refusal(string problem, decimal? number, TimeSpanUse use, string? positive = null, decimal? days = null)
    {
        if (positive is not null && days is null && (Clock(positive) is not null || WordForm().IsMatch(positive)))
        {
            try
            {
                var span = Parse(positive, use);
                return Made(problem, Clock(positive) is null ? positive : Short(span), span);
            }
            catch (PgOpsException)
            {
                // It is wrong in another way, too.
            }
        }

        var usual = use.Unit switch { "h" => 26m, "d" => 14m, _ => 30m };
        var (amount, unit) = days is { } counted ? (counted, "d") : (number ?? usual, use.Unit);
        if (amount == 0 && !use.Zero)
        {
            amount = 1;
        }

        return amount * (decimal)Units[unit].Ticks < TimeSpan.TicksPerDay * 100_000m
            ? Made(
                problem, FormattableString.Invariant($"{amount:0.#######}{unit}"), TimeSpan.FromTicks((long)(amount * Units[unit].Ticks)))
            : Made(problem, $"1{unit}", Units[unit]);
    }

    /// <summary>A span in the largest unit that it is a whole number of.</summary>
    private static string Short(TimeSpan span)
    {
        var unit = Named.First(unit => unit == "ms" || span.Ticks % Units[unit].Ticks == 0);
        return FormattableString.Invariant($"{(decimal)span.Ticks / Units[unit].Ticks:0.#######}{unit}");
    }

    private static PgOpsException Made(string problem, string shortForm, TimeSpan span) => new(
        PgErrorCode.InvalidArgument,
        FormattableString.Invariant($"{problem}: write {shortForm} or {span:c}. Units are ms, s, min, h, d and w."));

    [GeneratedRegex(
        @"^(?:(?<days>[0-9]{1,7})\.)?(?<hours>[0-9]{1,8}):(?<minutes>[0-5]?[0-9])(?::(?<seconds>[0-5]?[0-9](?:\.[0-9]{1,7})?))?$",
        RegexOptions.CultureInvariant)]
    private static partial Regex ClockForm();

    [GeneratedRegex(
        @"^(?:(?<number>[0-9]{1,15}(?:\.[0-9]{1,9})?)\s*(?<unit>[a-zA-Z]+)(?:\s*,\s*|\s+and\s+|\s*))+$",
        RegexOptions.CultureInvariant)]
    private static partial Regex WordForm();
}
