using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace PgOps.Core.Sql;

/// <summary>
/// Identifiers as the catalog holds them (https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS).
/// </summary>
internal static partial class SqlIdentifier
{
    private const int MaximumBytes = 63;

    /// <summary>
    /// Unquotes a quoted identifier, folds an unquoted one to lower case (ASCII letters only, as a UTF-8 server does), and cuts
    /// either to 63 bytes. Escapes of <c>U&amp;"..."</c> are resolved with the default escape character.
    /// </summary>
    /// <param name="token">The identifier's text in SQL.</param>
    /// <returns>The name.</returns>
    public static string ToName(ReadOnlySpan<char> token)
    {
        var quote = token.IndexOf('"');
        if (quote < 0)
        {
            return Truncate(string.Create(token.Length, token.ToString(), static (folded, word) =>
            {
                for (var i = 0; i < word.Length; i++)
                {
                    folded[i] = char.IsAsciiLetterUpper(word[i]) ? (char)(word[i] | ' ') : word[i];
                }
            }));
        }

        var body = token[(quote + 1)..];
        body = body.EndsWith("\"") ? body[..^1] : body;
        var name = body.ToString().Replace("\"\"", "\"", StringComparison.Ordinal);
        return Truncate(quote == 0 ? name : ResolveUnicodeEscapes(name));
    }

    /// <summary>Splits a qualified name at its dots, those outside quotes.</summary>
    /// <param name="text">For example <c>app."Order Lines".id</c>.</param>
    /// <returns>The names, as <see cref="ToName"/> makes them; none when the text is not such a name.</returns>
    public static IReadOnlyList<string> Parts(string text) => QualifiedName().Match(text) is { Success: true } match
        ? [.. match.Groups["part"].Captures.Select(part => ToName(part.Value))]
        : [];

    private static string ResolveUnicodeEscapes(string name)
    {
        var resolved = new StringBuilder(name.Length);
        for (var i = 0; i < name.Length; i++)
        {
            var (start, digits) = name.AsSpan(i) switch
            {
                ['\\', '+', ..] => (i + 2, 6),
                ['\\', ..] => (i + 1, 4),
                _ => (i, 0),
            };
            if (digits == 0)
            {
                resolved.Append(name[i]);
            }
            else if (start + digits <= name.Length
                && int.TryParse(name.AsSpan(start, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var scalar)
                && scalar <= 0x10FFFF)
            {
                resolved.Append(scalar > char.MaxValue ? char.ConvertFromUtf32(scalar) : ((char)scalar).ToString());
                i = start + digits - 1;
            }
            else
            {
                resolved.Append('\\');
                i += start < name.Length && name[start] == '\\' ? 1 : 0;
            }
        }

        return resolved.ToString();
    }

    private static string Truncate(string name)
    {
        if (Encoding.UTF8.GetByteCount(name) <= MaximumBytes)
        {
            return name;
        }

        var bytes = 0;
        var length = 0;
        foreach (var rune in name.EnumerateRunes())
        {
            bytes += rune.Utf8SequenceLength;
            if (bytes > MaximumBytes)
            {
                break;
            }

            length += rune.Utf16SequenceLength;
        }

        return name[..length];
    }

    [GeneratedRegex("""^(?<part>"(?:[^"]|"")+"|[^".\s]+)(?:\.(?<part>"(?:[^"]|"")+"|[^".\s]+))*$""", RegexOptions.CultureInvariant)]
    private static partial Regex QualifiedName();
}
