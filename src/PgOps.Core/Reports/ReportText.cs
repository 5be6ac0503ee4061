using System.Globalization;
using System.Text;
using PgOps.Core.Common.Text;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Reports;

/// <summary>
/// Text for a report. What comes from a database is cleaned once, before any format sees it: secrets are masked, and characters that
/// would not be seen, or would make the reader see something else (control, format and unpaired ones), are written by their number.
/// </summary>
internal sealed class ReportText
{
    private readonly Redaction _redaction;

    internal ReportText(IEnumerable<PgTarget?> targets) => _redaction = new Redaction([.. targets]);

    /// <summary>Text that can be shown; line ends are LF.</summary>
    internal string Clean(string text)
    {
        var clean = new StringBuilder(text.Length);
        foreach (var rune in Runes(_redaction.Apply(text).ReplaceLineEndings("\n").TrimEnd()))
        {
            _ = IsSeen(rune) ? clean.Append(char.ConvertFromUtf32(rune)) : clean.Append(CultureInfo.InvariantCulture, $"\\u{{{rune:X4}}}");
        }

        return clean.ToString();
    }

    /// <summary>The same of a text that may be missing.</summary>
    internal string? CleanOrNull(string? text) => text is null ? null : Clean(text);

    /// <summary>A fact's value as people read it.</summary>
    internal static string Show(ReportFact fact) => fact.Value switch
    {
        DateTime time => Time(time),
        TimeSpan span => SpanText.Measured(span),
        bool truth => truth ? "yes" : "no",
        long bytes when fact.Name.EndsWith("Bytes", StringComparison.OrdinalIgnoreCase) => PgSize.Format(bytes),
        IFormattable number => number.ToString(number is long or int ? "N0" : null, CultureInfo.InvariantCulture),
        _ => fact.Value.ToString() ?? "",
    };

    /// <summary>camelCase as words: recoveryTime becomes Recovery time.</summary>
    internal static string Words(string name)
    {
        var words = new StringBuilder();
        foreach (var letter in name)
        {
            _ = words.Length == 0 ? words.Append(char.ToUpperInvariant(letter))
                : char.IsUpper(letter) ? words.Append(' ').Append(char.ToLowerInvariant(letter))
                : words.Append(letter);
        }

        return words.Replace(" sha256", " SHA-256").Replace("pg ops", "PgOps").Replace("Sql state", "SQLSTATE").ToString();
    }

    /// <summary>A time, always in UTC and saying so.</summary>
    internal static string Time(DateTime time)
        => time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    /// <summary>A span; nothing where nothing was measured.</summary>
    internal static string SpanOrNothing(TimeSpan? span) => span is { Ticks: > 0 } measured ? SpanText.Measured(measured) : "";

    /// <summary>A table's verdict in words.</summary>
    internal static string Show(PgTableVerdict? verdict) => verdict switch
    {
        PgTableVerdict.Equal => "equal",
        PgTableVerdict.CountsEqual => "same count, content not compared",
        PgTableVerdict.RowsDiffer => "row count differs",
        PgTableVerdict.ContentDiffers => "content differs",
        PgTableVerdict.GeneratedColumnsDiffer => "stored generated columns differ",
        PgTableVerdict.GeneratedNotCompared => "equal, stored generated columns not compared",
        PgTableVerdict.Missing => "missing",
        PgTableVerdict.Extra => "unexpected",
        _ => "recorded, not compared",
    };

    /// <summary>How a table counts.</summary>
    internal static PgCheckStatus Status(PgTableVerdict? verdict) => verdict switch
    {
        PgTableVerdict.Equal => PgCheckStatus.Passed,
        PgTableVerdict.CountsEqual or PgTableVerdict.GeneratedNotCompared or null => PgCheckStatus.Skipped,
        _ => PgCheckStatus.Failed,
    };

    // An unpaired surrogate is not a rune; its own number is given.
    private static IEnumerable<int> Runes(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            yield return i + 1 < text.Length && char.IsSurrogatePair(text, i) ? char.ConvertToUtf32(text, i++) : text[i];
        }
    }

    private static bool IsSeen(int rune) => rune is '\n' or '\t'
        || (Rune.IsValid(rune)
            && (rune & 0xFFFE) != 0xFFFE
            && Rune.GetUnicodeCategory(new Rune(rune)) is not (UnicodeCategory.Control or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator));
}
