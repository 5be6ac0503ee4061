using System.Text.RegularExpressions;

namespace PgOps.Core.Sql;

/// <summary>A <c>-- pgops: name arguments</c> comment at the head of a script, before its first statement.</summary>
/// <param name="Name">The first word, in lower case; empty when nothing follows <c>pgops:</c>.</param>
/// <param name="Argument">What follows the first word, trimmed; empty when nothing does.</param>
/// <param name="Line">Its line, counted from 1.</param>
internal sealed partial record SqlDirective(string Name, string Argument, int Line)
{
    private const string Prefix = "pgops:";

    /// <summary>Reads a comment as a directive.</summary>
    /// <param name="comment">The comment's text with its dashes.</param>
    /// <param name="line">Its line.</param>
    /// <returns>The directive, or null when the comment is none.</returns>
    internal static SqlDirective? Read(ReadOnlySpan<char> comment, int line)
    {
        var body = comment.TrimStart('-').Trim();
        if (!comment.StartsWith("--") || !body.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        body = body[Prefix.Length..].Trim();
        var end = body.IndexOfAny(' ', '\t');
        return end < 0
            ? new SqlDirective(body.ToString().ToLowerInvariant(), "", line)
            : new SqlDirective(body[..end].ToString().ToLowerInvariant(), body[end..].Trim().ToString(), line);
    }

    /// <summary>Whether a comment was meant to be a directive and is none: without the colon, in other words, in slashes.</summary>
    internal static bool IsNear(ReadOnlySpan<char> comment) => Near().IsMatch(comment) && Read(comment, 1) is null;

    [GeneratedRegex(
        @"^(?:--+|/\*+)[\s!@#:+]*(?:pg[-_ ]?ops\s*:"
            + @"|pg[-_ ]?ops[\s:;,.=-]*(?:(?:no|non)[-_ ]?(?:transaction|transactional|tx)|ignore|allow)\b"
            + @"|(?:no|non)[-_ ]?(?:transaction|transactional|tx)\s*:\s*pg[-_ ]?ops\b)",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Near();
}
