using System.Text.RegularExpressions;

namespace PgOps.Core.Connections;

/// <summary>The one redaction: takes secrets out of any text before a person or a file sees it.</summary>
internal static partial class Redaction
{
    private const string Mask = "********";

    /// <summary>Masks the target's secrets, passwords in URIs and <c>password=…</c> pairs.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="target">Whose secrets to look for; null looks for the general shapes alone.</param>
    /// <returns>The text without secrets.</returns>
    internal static string Redact(string text, PgTarget? target = null)
    {
        var clean = text;
        foreach (var secret in new[] { target?.Password, target?.SslPassword })
        {
            // A one- or two-letter password would mask half the text and hide nothing.
            if (secret?.Reveal() is { Length: > 2 } value)
            {
                clean = clean.Replace(value, Mask, StringComparison.Ordinal)
                    .Replace(Uri.EscapeDataString(value), Mask, StringComparison.Ordinal);
            }
        }

        clean = UriPassword().Replace(clean, $"$1{Mask}@");
        return PasswordPair().Replace(clean, $"$1{Mask}");
    }

    [GeneratedRegex(@"(\w+://[^:/?#\s@]*:)[^@\s/]*@", RegexOptions.CultureInvariant)]
    private static partial Regex UriPassword();

    [GeneratedRegex(
        @"((?:password|passwd|pwd|psw|sslpassword|PGPASSWORD)\s*=\s*)('(?:[^'\\]|\\.|'')*'|""[^""]*""|[^\s;&'""]+)",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex PasswordPair();
}
