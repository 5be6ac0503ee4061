using System.Globalization;

namespace PgOps.Core.Common.Text;

/// <summary>
/// Writes spans of time that are compared with others, and so tells minutes with their seconds; <see cref="PgSize"/> writes ages, and
/// what is longer than an hour. <see cref="TimeSpanText"/> reads spans.
/// </summary>
internal static class SpanText
{
    /// <summary>A time that was measured: less than a second in milliseconds.</summary>
    internal static string Measured(TimeSpan span) => span.TotalSeconds < 1
        ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalMilliseconds:0} ms")
        : Of(span);

    /// <summary>A time beside its limit: a tiny one in seconds too, and a negative one as none.</summary>
    internal static string Limited(TimeSpan span) => span.TotalSeconds < 0.1
        ? string.Create(CultureInfo.InvariantCulture, $"{Math.Max(span.TotalSeconds, 0):0.###} s")
        : Of(span);

    private static string Of(TimeSpan span) => span.TotalMinutes is >= 1 and < 60
        ? string.Create(CultureInfo.InvariantCulture, $"{span.Minutes} min {span.Seconds} s")
        : PgSize.Format(span);
}
