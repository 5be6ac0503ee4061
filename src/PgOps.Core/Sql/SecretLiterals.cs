using System.Text;
using System.Text.RegularExpressions;

namespace PgOps.Core.Sql;

/// <summary>
/// Finds the passwords in SQL: the string behind PASSWORD (CREATE ROLE, ALTER USER, OPTIONS of a user mapping), in code within a string
/// too, and the passwords of connection strings and URIs within strings (CREATE SUBSCRIPTION, dblink).
/// </summary>
internal static partial class SecretLiterals
{
    /// <summary>What stands in a password's place.</summary>
    internal const string Mask = "********";

    /// <summary>Stands for each letter of a password where places must stay where they are; a private character, never shown.</summary>
    internal const char Blanked = '\uE0B7';

    /// <summary>The text with a mask in the place of every password.</summary>
    /// <param name="sql">Whole statements: a piece that begins within a string would be read inside out.</param>
    internal static string Hide(string sql)
    {
        var spans = In(sql);
        if (spans.Count == 0)
        {
            return sql;
        }

        var result = new StringBuilder(sql.Length);
        var next = 0;
        foreach (var (start, length) in spans)
        {
            result.Append(sql, next, start - next).Append(Mask);
            next = start + length;
        }

        return result.Append(sql, next, sql.Length - next).ToString();
    }

    /// <summary>The text with <see cref="Blanked"/> for each letter of a password, so that every other place stays where it is.</summary>
    /// <param name="sql">Whole statements.</param>
    internal static string Blank(string sql)
    {
        var spans = In(sql);
        if (spans.Count == 0)
        {
            return sql;
        }

        var text = sql.ToCharArray();
        foreach (var (start, length) in spans)
        {
            for (var at = start; at < start + length; at++)
            {
                text[at] = text[at] is '\n' or '\r' ? text[at] : Blanked;
            }
        }

        return new string(text);
    }

    /// <summary>A piece of a blanked text with the mask in the place of each password, which does not tell how long it is.</summary>
    /// <param name="blanked">The piece.</param>
    /// <param name="place">A place in it, moved along.</param>
    internal static string Show(string blanked, ref int place)
    {
        for (var at = blanked.IndexOf(Blanked, StringComparison.Ordinal); at >= 0; at = blanked.IndexOf(Blanked, StringComparison.Ordinal))
        {
            var rest = blanked[at..].TrimStart(Blanked);
            var length = blanked.Length - at - rest.Length;
            place = place >= at + length ? place - length + Mask.Length : Math.Min(place, at);
            blanked = string.Concat(blanked.AsSpan(0, at), Mask, rest);
        }

        return blanked;
    }

    private static List<(int Start, int Length)> In(string sql)
    {
        var spans = new List<(int Start, int Length)>();
        if (sql.Contains("password", StringComparison.OrdinalIgnoreCase) || sql.Contains("://", StringComparison.Ordinal))
        {
            Find(sql, 0, sql.Length, spans);
        }

        return spans;
    }

    private static void Find(string sql, int start, int length, List<(int Start, int Length)> spans)
    {
        var text = sql.AsSpan(start, length);
        var afterPassword = false;
        var composed = new ComposedPassword();
        foreach (var token in new SqlTokenizer(text))
        {
            if (token.Kind == SqlTokenKind.Comment)
            {
                continue;
            }

            if (token.Kind is SqlTokenKind.String or SqlTokenKind.DollarString)
            {
                var (inner, end) = Inside(token, text, start);
                if (composed.Is(sql.AsSpan(inner, end - inner)) || afterPassword)
                {
                    spans.Add((inner, end - inner));
                }
                else if (token.Kind == SqlTokenKind.DollarString)
                {
                    Find(sql, inner, end - inner, spans);
                }
                else
                {
                    FindWithin(sql, inner, end - inner, spans);
                }
            }
            else
            {
                composed.Take(token.In(text));
            }

            afterPassword = token.Kind == SqlTokenKind.Word && token.In(text).Equals("PASSWORD", StringComparison.OrdinalIgnoreCase);
        }

        FindAssigned(text, start, composed.Variables, spans);
        spans.Sort();
    }

    private static (int Inner, int End) Inside(SqlToken token, ReadOnlySpan<char> text, int start)
    {
        var literal = token.In(text);
        var open = literal.IndexOfAny('\'', '$');
        var quote = token.Kind == SqlTokenKind.String ? 1 : literal[1..].IndexOf('$') + 2;
        return (start + token.Offset + open + quote, start + token.End - (token.IsTerminated ? quote : 0));
    }

    /// <summary>What a variable is set to, or held against, that a statement takes its password from.</summary>
    private static void FindAssigned(
        ReadOnlySpan<char> text, int start, HashSet<string> variables, List<(int Start, int Length)> spans)
    {
        if (variables.Count == 0)
        {
            return;
        }

        var (within, assigned) = (false, false);
        foreach (var token in new SqlTokenizer(text))
        {
            var word = token.In(text);
            if (token.Kind is SqlTokenKind.String or SqlTokenKind.DollarString && within && assigned)
            {
                var (inner, end) = Inside(token, text, start);
                spans.RemoveAll(known => known.Start < end && known.Start + known.Length > inner);
                spans.Add((inner, end - inner));
            }
            else if (word is ";")
            {
                (within, assigned) = (false, false);
            }
            else if (token.Kind == SqlTokenKind.Word && !within && variables.Contains(word.ToString().ToUpperInvariant()))
            {
                (within, assigned) = (true, false);
            }
            else
            {
                assigned |= word is ":=" or "=" || word.Equals("DEFAULT", StringComparison.OrdinalIgnoreCase);
            }
        }
    }

    /// <summary>In a string: a connection string's or a URI's password, and code, whose quotes are doubled.</summary>
    private static void FindWithin(string sql, int start, int length, List<(int Start, int Length)> spans)
    {
        var text = sql.Substring(start, length);
        if (text.Contains("password", StringComparison.OrdinalIgnoreCase) || text.Contains("://", StringComparison.Ordinal))
        {
            spans.AddRange(Password().Matches(text).Select(match => match.Groups["secret"])
                .Select(secret => (start + secret.Index, secret.Length)));
        }
    }

    [GeneratedRegex(
        @"://[^\s:/@']*:(?<secret>[^\s@']+)@"
            + @"|\bpassword\s*=?\s*''''(?<secret>[^']+)''''(?!')"
            + @"|\bpassword\s*=?\s*''(?<secret>(?:[^']|'''')*)''(?!')"
            + @"|\bpassword\s*=?\s*\\'(?<secret>(?:[^'\\]|\\\\)*)\\'"
            + @"|\b(?:ssl)?password\s*=\s*(?<secret>[^\s'&;$]+)",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Password();
}
