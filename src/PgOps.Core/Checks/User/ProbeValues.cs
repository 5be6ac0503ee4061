using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Checks.User;

/// <summary>
/// What placeholders of a probe stand for: the target's host, port, database and user, and what earlier answers gave. Knows what must not
/// be shown: every value that was saved, and what is sent under a name that speaks of a secret.
/// </summary>
internal sealed partial class ProbeValues
{
    /// <summary>The names that are always there.</summary>
    internal static readonly string[] OfTarget = ["host", "port", "database", "user"];

    private readonly PgTarget _target;
    private readonly Dictionary<string, string> _saved = new(StringComparer.Ordinal);
    private readonly HashSet<string> _secrets = new(StringComparer.Ordinal);

    internal ProbeValues(PgTarget target) => _target = target;

    /// <summary>Whether a name speaks of something that is nobody's business.</summary>
    internal static bool IsSecret(string name) => Secretive().IsMatch(name);

    /// <summary>The names of the placeholders in a text.</summary>
    internal static IEnumerable<string> NamesIn(string text)
        => Placeholder().Matches(text).Select(match => match.Groups["name"].Value).Where(name => name.Length > 0);

    /// <summary>Keeps a value for later requests.</summary>
    internal void Save(string name, string value)
    {
        _saved[name] = value;
        Keep(value);
    }

    /// <summary>A text with its placeholders filled; <c>{{name}}</c> is the text {name}.</summary>
    /// <param name="text">The text.</param>
    /// <param name="escape">Makes a value part of what the text is.</param>
    /// <param name="rest">Does the same to what stands between placeholders; null leaves it.</param>
    internal string Fill(string text, Func<string, string> escape, Func<string, string>? rest = null)
    {
        var filled = new StringBuilder();
        var at = 0;
        foreach (Match match in Placeholder().Matches(text))
        {
            var name = match.Groups["name"].Value;
            Literal(text[at..match.Index]);
            if (name.Length == 0)
            {
                Literal(match.Value[1..^1]);
            }
            else
            {
                _ = filled.Append(escape(Of(name)));
            }

            at = match.Index + match.Length;
        }

        Literal(text[at..]);
        return filled.ToString();

        void Literal(string part) => filled.Append(rest is null ? part : rest(part));
    }

    /// <summary>A text that is to be sent, a secret one revealed.</summary>
    /// <param name="value">A text or a <see cref="PgSecret"/>, which has no placeholders.</param>
    /// <param name="name">The name it is sent under.</param>
    /// <param name="escape">Makes a value part of what the text is.</param>
    internal string Sent(object? value, string name, Func<string, string> escape)
    {
        if (value is PgSecret secret)
        {
            Keep(secret.Reveal());
            return secret.Reveal();
        }

        var text = Fill(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "", escape);
        if (IsSecret(name))
        {
            // "Bearer x": the service may know it by its last word.
            Keep(text);
            Keep(text[(text.LastIndexOf(' ') + 1)..]);
        }

        return text;
    }

    /// <summary>Words of the service or of a library, without what must not be shown.</summary>
    internal string Hide(string text) => new Redaction(_secrets, _target).Apply(text);

    private void Keep(string secret)
    {
        if (secret.Length > 0)
        {
            _ = _secrets.Add(secret);
        }
    }

    private string Of(string name) => name switch
    {
        "host" => _target.Host,
        "port" => _target.Port.ToString(CultureInfo.InvariantCulture),
        "database" => _target.Database,
        "user" => _target.Username,
        _ => _saved.GetValueOrDefault(name, ""),
    };

    [GeneratedRegex(@"\{\{\w+\}\}|\{(?<name>\w+)\}", RegexOptions.CultureInvariant)]
    private static partial Regex Placeholder();

    [GeneratedRegex(
        "token|secret|passw|pwd|key|auth|cookie|session|jwt|credential|otp|csrf|^pin$",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Secretive();
}
