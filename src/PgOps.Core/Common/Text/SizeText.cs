using System.Globalization;
using System.Text.RegularExpressions;

namespace PgOps.Core.Common.Text;

/// <summary>
/// Reads sizes as people write them: <c>10GB</c>, <c>10G</c>, <c>10 GB</c>, <c>500MiB</c>, <c>1.5TB</c>. All units count by 1024, as
/// PowerShell's and PostgreSQL's do. <see cref="PgSize"/> writes them.
/// </summary>
public static partial class SizeText
{
    private const long Mebibyte = 1024 * 1024;

    private static readonly string[] Letters = ["", "K", "M", "G", "T", "P"];

    /// <summary>Reads a size.</summary>
    /// <param name="text">The text.</param>
    /// <param name="perSecond">Whether <c>/s</c> may follow.</param>
    /// <returns>Bytes.</returns>
    /// <exception cref="PgOpsException">InvalidArgument, with the right spellings.</exception>
    public static long Parse(string text, bool perSecond = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        var trimmed = text.Trim();
        if (Form().Match(trimmed) is not { Success: true } form || (form.Groups["rate"].Success && !perSecond))
        {
            throw Refuse(trimmed);
        }

        var power = Array.FindIndex(Letters, letter => letter.Equals(form.Groups["unit"].Value, StringComparison.OrdinalIgnoreCase));
        try
        {
            var number = decimal.Parse(form.Groups["number"].ValueSpan, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture);
            return (long)decimal.Round(number * (1L << (10 * power)));
        }
        catch (OverflowException)
        {
            throw new PgOpsException(PgErrorCode.InvalidArgument, $"{trimmed} is more than 8 EiB: write a size such as 10GB or 500MiB.");
        }
    }

    /// <summary>
    /// Takes a number of bytes that PowerShell has made of <c>10GB</c>: a whole number of mebibytes. Any other number, such as the 500
    /// of somebody who means gigabytes, is refused.
    /// </summary>
    /// <param name="number">The number.</param>
    /// <returns>Bytes.</returns>
    /// <exception cref="PgOpsException">InvalidArgument, with the right spellings.</exception>
    public static long Of(decimal number)
        => number >= Mebibyte && number <= long.MaxValue && number % Mebibyte == 0
            ? (long)number
            : throw Refuse(number.ToString(CultureInfo.InvariantCulture));

    /// <summary>The error about something that is not a size.</summary>
    /// <param name="given">What was given.</param>
    /// <returns>The error.</returns>
    public static PgOpsException Refuse(string given)
    {
        ArgumentNullException.ThrowIfNull(given);
        var negative = given.StartsWith('-');
        var digits = given.TrimStart('-');
        var isNumber = digits.Length is > 0 and < 20 && digits.All(char.IsAsciiDigit);
        var spellings = !isNumber ? "10GB or 500MiB"
            : digits.Length > 5 ? $"{digits}B or a size such as 10GB"
            : $"{digits}GB or {digits}MiB";
        var shown = given.Length == 0 ? "An empty text" : given;
        var problem = negative ? $"{shown} is negative and not a size" : $"{shown} is not a size";
        return new PgOpsException(
            PgErrorCode.InvalidArgument, $"{problem}: write {spellings}. Units are B, KB, MB, GB, TB and PB, by 1024.");
    }

    [GeneratedRegex(
        @"^(?<number>[0-9]{1,19}(?:\.[0-9]{1,9})?)\s*(?:(?<unit>[kmgtp])(?:i?b)?|(?<unit>)(?:b|bytes?))(?<rate>/s)?$",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Form();
}
