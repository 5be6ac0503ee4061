using PgOps.Core.Common.Text;

namespace PgOps.Core.Tests.Common;

/// <summary>
/// Time spans, sizes and dates as people write them. What .NET would take for something else is refused with the right spellings.
/// </summary>
public sealed class AmountTextTests
{
    [Theory]
    [InlineData("26h", "1.02:00:00")]
    [InlineData("1d", "1.00:00:00")]
    [InlineData("2 days", "2.00:00:00")]
    [InlineData("2w", "14.00:00:00")]
    [InlineData("90s", "00:01:30")]
    [InlineData("500ms", "00:00:00.5000000")]
    [InlineData("1d12h", "1.12:00:00")]
    [InlineData("1 day, 12 hours", "1.12:00:00")]
    [InlineData("1 hour and 30 minutes", "01:30:00")]
    [InlineData("1.5h", "01:30:00")]
    [InlineData("5m", "00:05:00")]
    [InlineData(" 90MIN ", "01:30:00")]
    [InlineData("26:00", "1.02:00:00")]
    [InlineData("00:30", "00:30:00")]
    [InlineData("00:00:00.25", "00:00:00.2500000")]
    [InlineData("1.02:00:00", "1.02:00:00")]
    [InlineData("0s", "00:00:00")]
    [InlineData("00:00:00", "00:00:00")]
    public void A_span_of_time_is_read(string text, string span)
        => Assert.Equal(span, TimeSpanText.Parse(text, new TimeSpanUse("s", Zero: true)).ToString("c"));

    [Theory]
    [InlineData("14", "d", "14 is not a time span: write 14d or 14.00:00:00.")]
    [InlineData("30", "s", "30 is not a time span: write 30s or 00:00:30.")]
    [InlineData("90", "min", "90 is not a time span: write 90min or 01:30:00.")]
    [InlineData("26", "h", "26 is not a time span: write 26h or 1.02:00:00.")]
    [InlineData("1.5", "d", "1.5 is not a time span: write 1.5d or 1.12:00:00.")]
    [InlineData("0", "d", "0 is not a time span: write 1d or 1.00:00:00.")]
    [InlineData("0s", "d", "0s is no time at all: write 14d or 14.00:00:00.")]
    [InlineData("-1", "d", "-1 is negative and not a time span: write 1d or 1.00:00:00.")]
    [InlineData("-1d", "d", "-1d is a negative time span: write 1d or 1.00:00:00.")]
    [InlineData("-00:30", "s", "-00:30 is a negative time span: write 30min or 00:30:00.")]
    [InlineData("-00:00:30", "s", "-00:00:30 is a negative time span: write 30s or 00:00:30.")]
    [InlineData("-1.02:00:00", "h", "-1.02:00:00 is a negative time span: write 26h or 1.02:00:00.")]
    [InlineData("\u0663s", "s", "\u0663s is not a time span: write 30s or 00:00:30.")]
    [InlineData("0x1e", "s", "0x1e is not a time span: write 30s or 00:00:30.")]
    [InlineData("3m", "d", "3m may mean minutes or months: write 3min or 90d.")]
    [InlineData("3 months", "d", "3 months: months and years have no fixed length: write 90d or 90.00:00:00.")]
    [InlineData("10GB", "s", "10GB is not a time span, for 'GB' is not a unit of time: write 10s or 00:00:10.")]
    [InlineData("1h1h", "s", "1h1h names the same unit twice and is not a time span: write 30s or 00:00:30.")]
    [InlineData("60d", "s", "60d is longer than the 24 days that a timeout can last: write 30s or 00:00:30.")]
    [InlineData("1.26:00", "h", "1.26:00 is not a time span: write 26h or 1.02:00:00.")]
    [InlineData("12:99", "h", "12:99 is not a time span: write 26h or 1.02:00:00.")]
    [InlineData("999999999999999d", "d", "999999999999999d is longer than any time span: write 14d or 14.00:00:00.")]
    [InlineData("99999999999999999999", "s", "99999999999999999999 is not a time span: write 1s or 00:00:01.")]
    [InlineData("soon", "s", "soon is not a time span: write 30s or 00:00:30.")]
    [InlineData("", "s", "An empty text is not a time span: write 30s or 00:00:30.")]
    public void What_is_no_span_of_time_is_refused_with_the_right_spellings(string text, string unit, string words)
    {
        var error = Assert.Throws<PgOpsException>(() => TimeSpanText.Parse(text, new TimeSpanUse(unit)));

        Assert.Equal(PgErrorCode.InvalidArgument, error.Code);
        Assert.StartsWith(words, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_span_that_counts_ticks_is_refused()
    {
        var error = Assert.Throws<PgOpsException>(() => TimeSpanText.Require(TimeSpan.FromTicks(14), new TimeSpanUse("d")));

        Assert.Contains("a number of ticks: write 14d or 14.00:00:00.", error.Message, StringComparison.Ordinal);
        Assert.Throws<PgOpsException>(() => TimeSpanText.Require(TimeSpan.FromDays(-1), new TimeSpanUse("d")));
        Assert.Equal(TimeSpan.Zero, TimeSpanText.Require(TimeSpan.Zero, new TimeSpanUse("s", Zero: true)));
    }

    [Theory]
    [InlineData("10GB", 10L << 30)]
    [InlineData("10G", 10L << 30)]
    [InlineData("10 gb", 10L << 30)]
    [InlineData("10GiB", 10L << 30)]
    [InlineData("500MiB", 500L << 20)]
    [InlineData("1.5TB", 3L << 39)]
    [InlineData("12.5 MiB", 25L << 19)]
    [InlineData("512K", 512L << 10)]
    [InlineData("1P", 1L << 50)]
    [InlineData("0B", 0)]
    [InlineData("123456 bytes", 123456)]
    public void A_size_is_read(string text, long bytes) => Assert.Equal(bytes, SizeText.Parse(text));

    [Theory]
    [InlineData("500", "500 is not a size: write 500GB or 500MiB.")]
    [InlineData("0", "0 is not a size: write 0GB or 0MiB.")]
    [InlineData("-1", "-1 is negative and not a size: write 1GB or 1MiB.")]
    [InlineData("-1GB", "-1GB is negative and not a size: write 10GB or 500MiB.")]
    [InlineData("10737418241", "10737418241 is not a size: write 10737418241B or a size such as 10GB.")]
    [InlineData("10 days", "10 days is not a size: write 10GB or 500MiB.")]
    [InlineData("5MB/s", "5MB/s is not a size: write 10GB or 500MiB.")]
    [InlineData("9999P", "9999P is more than 8 EiB: write a size such as 10GB or 500MiB.")]
    public void What_is_no_size_is_refused_with_the_right_spellings(string text, string words)
        => Assert.StartsWith(words, Assert.Throws<PgOpsException>(() => SizeText.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_number_of_bytes_is_taken_when_it_can_only_come_of_a_unit()
    {
        Assert.Equal(10L << 30, SizeText.Of(10L << 30));
        Assert.Equal(5 << 20, SizeText.Parse("5MB/s", perSecond: true));
        foreach (var number in new decimal[] { 14, 0, -1, 1024, 2048, 1_000_000_000, decimal.MaxValue, -(1L << 30) })
        {
            Assert.Throws<PgOpsException>(() => SizeText.Of(number));
        }
    }

    [Theory]
    [InlineData("2026-01-31T18:30:00Z", "2026-01-31T18:30:00.0000000+00:00")]
    [InlineData("2026-01-31 18:30 UTC", "2026-01-31T18:30:00.0000000+00:00")]
    [InlineData("2026-01-31T18:30:00.25+02:00", "2026-01-31T18:30:00.2500000+02:00")]
    [InlineData("2026-01-31 18:30:00-0500", "2026-01-31T18:30:00.0000000-05:00")]
    [InlineData("20260131-183000Z", "2026-01-31T18:30:00.0000000+00:00")]
    public void A_date_is_read(string text, string date) => Assert.Equal(date, DateText.Parse(text).ToString("o"));

    [Fact]
    public void A_date_without_an_offset_is_local()
    {
        Assert.Equal(new DateTimeOffset(new DateTime(2026, 1, 31)), DateText.Parse("2026-01-31"));
        Assert.Equal(new DateTimeOffset(new DateTime(2026, 7, 31, 18, 30, 0)), DateText.Parse("2026-07-31 18:30"));
        Assert.Equal(DateText.Parse("2026-01-31"), DateText.Of(new DateTime(2026, 1, 31)));
        Assert.Equal(TimeSpan.Zero, DateText.Of(new DateTime(2026, 1, 31, 0, 0, 0, DateTimeKind.Utc)).Offset);
    }

    [Theory]
    [InlineData("14", "14 is not a date: write 2026-01-31 or 2026-01-31T18:30:00Z.")]
    [InlineData("01/02/2026", "01/02/2026 is another day in another country: write 2026-01-31 or")]
    [InlineData("1.2.2026 10:00", "1.2.2026 10:00 is another day in another country: write 2026-01-31 or")]
    [InlineData("2026-02-31", "2026-02-31 is not a date: write")]
    [InlineData("0001-01-01", "0001-01-01 is before PostgreSQL's time, a number of ticks: write")]
    [InlineData("yesterday", "yesterday is not a date: write")]
    [InlineData("1d", "1d is not a date: write")]
    public void What_is_no_date_is_refused_with_the_right_spellings(string text, string words)
        => Assert.StartsWith(words, Assert.Throws<PgOpsException>(() => DateText.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_date_that_counts_ticks_is_refused() => Assert.Throws<PgOpsException>(() => DateText.Of(new DateTime(14)));

    [Theory]
    [InlineData(-0.5, "-500 ms", "0 s")]
    [InlineData(0.0015, "2 ms", "0.002 s")]
    [InlineData(0.5, "500 ms", "0.5 s")]
    [InlineData(1.25, "1.3 s", "1.3 s")]
    [InlineData(60, "1 min 0 s", "1 min 0 s")]
    [InlineData(3599, "59 min 59 s", "59 min 59 s")]
    [InlineData(3600, "1 h 0 min", "1 h 0 min")]
    [InlineData(183600, "2 d 3 h", "2 d 3 h")]
    public void Spans_that_were_measured_are_exact_enough_to_compare(double seconds, string measured, string limited)
    {
        var span = TimeSpan.FromSeconds(seconds);
        Assert.Equal((measured, limited), (SpanText.Measured(span), SpanText.Limited(span)));
    }
}
