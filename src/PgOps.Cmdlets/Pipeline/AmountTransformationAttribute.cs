using System.Collections;
using System.Globalization;
using System.Management.Automation;
using PgOps.Core.Common.Text;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>
/// The one way in which time spans, sizes and dates are given: with a unit, or as .NET's own object. PowerShell alone would take the 14
/// of -KeepWithin 14 for ticks of 0.0000001 s. A number that is typed with a suffix of PowerShell's own (1d, 90s, 10GB) still has its
/// spelling here; one that comes in a variable has lost it.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public abstract class AmountTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public sealed override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
        => (inputData is PSObject { BaseObject: var inner } ? inner : inputData) is IList list ? List(list) : One(inputData)!;

    /// <summary>Reads text.</summary>
    private protected abstract object Read(string text);

    /// <summary>Reads a number that has no unit.</summary>
    /// <param name="number">The number.</param>
    /// <param name="text">The number as text.</param>
    private protected virtual object Read(decimal number, string text) => Read(text);

    /// <summary>Takes an object of .NET's own; null when it is none.</summary>
    private protected virtual object? Take(object value) => null;

    private Array List(IList list)
    {
        var read = list.Cast<object?>().Select(One).ToArray();
        var array = Array.CreateInstance(read.FirstOrDefault(item => item is not null)?.GetType() ?? typeof(object), read.Length);
        read.CopyTo(array, 0);
        return array;
    }

    private object? One(object? input)
    {
        var value = input is PSObject wrapped ? wrapped.BaseObject : input;
        try
        {
            return value switch
            {
                null => null,
                string text => Read(text),
                _ when Take(value) is { } taken => taken,
                IConvertible when Number(value) is { } number => input is PSObject && input.ToString() is { } typed && !IsNumber(typed)
                    ? Typed(typed, number)
                    : Read(number, number.ToString(CultureInfo.InvariantCulture)),
                _ => Read(input!.ToString() ?? ""),
            };
        }
        catch (PgOpsException error)
        {
            throw new ArgumentTransformationMetadataException(error.Message, error);
        }
    }

    /// <summary>0x10 and 1e3 are numbers in PowerShell's spelling, and no amounts.</summary>
    private object Typed(string text, decimal number)
        => char.IsAsciiLetter(text[^1]) && !text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? Read(text) : Read(number, text);

    private static bool IsNumber(string text) => decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);

    private static decimal? Number(object value)
    {
        try
        {
            return Type.GetTypeCode(value.GetType()) is >= TypeCode.SByte and <= TypeCode.Decimal
                ? Convert.ToDecimal(value, CultureInfo.InvariantCulture)
                : null;
        }
        catch (OverflowException)
        {
            return null;
        }
    }
}

/// <summary>A span of time: <c>90s</c>, <c>26h</c>, <c>2 days</c>, <c>1d12h</c>, <c>26:00</c>, <c>1.02:00:00</c>, or a TimeSpan.</summary>
public sealed class TimeSpanAmountAttribute : AmountTransformationAttribute
{
    /// <summary>The unit that somebody means who leaves it out: s, min, h or d.</summary>
    public string Unit { get; init; } = "s";

    /// <summary>Whether no time at all has a meaning.</summary>
    public bool Zero { get; init; }

    private TimeSpanUse Use => new(Unit, Zero);

    /// <inheritdoc/>
    private protected override object Read(string text) => TimeSpanText.Parse(text, Use);

    /// <inheritdoc/>
    private protected override object? Take(object value) => value is TimeSpan span ? TimeSpanText.Require(span, Use) : null;
}

/// <summary>
/// A size: <c>10GB</c>, <c>10G</c>, <c>10 GB</c>, <c>500MiB</c>, <c>1.5TB</c>, or the number that PowerShell makes of 10GB.
/// </summary>
public sealed class SizeAmountAttribute : AmountTransformationAttribute
{
    /// <summary>Whether it is a rate, and may be written with <c>/s</c>.</summary>
    public bool PerSecond { get; init; }

    /// <inheritdoc/>
    private protected override object Read(string text) => SizeText.Parse(text, PerSecond);

    /// <inheritdoc/>
    private protected override object Read(decimal number, string text) => SizeText.Of(number);
}

/// <summary>A point in time: a date, or <c>2026-01-31</c>, <c>2026-01-31T18:30:00Z</c>; local time without Z or an offset.</summary>
public sealed class DateAmountAttribute : AmountTransformationAttribute
{
    /// <inheritdoc/>
    private protected override object Read(string text) => DateText.Parse(text);

    /// <inheritdoc/>
    private protected override object? Take(object value) => value switch
    {
        DateTimeOffset date => DateText.Require(date),
        DateTime date => DateText.Of(date),
        DateOnly date => DateText.Of(date.ToDateTime(TimeOnly.MinValue)),
        _ => null,
    };
}
