using System.Text.RegularExpressions;
using PgOps.Core.Sql;

namespace PgOps.Core.Postgres.Connections;

/// <summary>
/// Takes secrets out of text that will be shown or kept: the secrets of known targets wherever they stand, and whatever looks
/// like the password of a URI, of a connection string or of an SQL statement. Rather hides too much than too little.
/// </summary>
internal sealed partial class Redaction
{
    /// <summary>What stands in a secret's place.</summary>
    public const string Mask = SecretLiterals.Mask;

    // A shorter password would be found inside ordinary words.
    private const int ShortestLiteral = 4;

    private readonly IReadOnlyList<string> _secrets;
    private readonly Regex? _shortSecrets;

    /// <summary>Learns the secrets to hide.</summary>
    /// <param name="targets">Targets whose secrets must not show; null ones are passed over.</param>
    public Redaction(params PgTarget?[] targets)
        : this([], targets)
    {
    }

    /// <summary>Learns the secrets to hide.</summary>
    /// <param name="others">Secrets that are none of a target's.</param>
    /// <param name="targets">Targets whose secrets must not show; null ones are passed over.</param>
    internal Redaction(IEnumerable<string> others, params PgTarget?[] targets)
    {
        ArgumentNullException.ThrowIfNull(targets);
        var secrets = targets.OfType<PgTarget>().SelectMany(SecretsOf).Concat(others.SelectMany(FormsOf)).Distinct(StringComparer.Ordinal)
            .OrderByDescending(secret => secret.Length).ToList();
        _secrets = secrets.FindAll(secret => secret.Length >= ShortestLiteral);
        var shortOnes = secrets.FindAll(secret => secret.Length < ShortestLiteral);
        if (shortOnes.Count > 0)
        {
            _shortSecrets = new Regex(
                $@"(?<!\w)(?:{string.Join('|', shortOnes.Select(Regex.Escape))})(?!\w)", RegexOptions.CultureInvariant);
        }
    }

    /// <summary>Knows no target, finds passwords by their place alone.</summary>
    public static Redaction ByPattern { get; } = new();

    /// <summary>Hides the secrets in a text.</summary>
    /// <param name="text">Any text: a line of stderr, an error message, a connection string.</param>
    /// <returns>The text with every secret replaced by <see cref="Mask"/>.</returns>
    public string Apply(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        foreach (var secret in _secrets)
        {
            text = text.Replace(secret, Mask, StringComparison.Ordinal);
        }

        text = _shortSecrets?.Replace(text, Mask) ?? text;
        text = UriPassword().Replace(text, Mask);
        text = KeyValuePassword().Replace(text, "${key}" + Mask);
        return SqlPassword().Replace(text, $"${{key}}'{Mask}'");
    }

    // A password that equals the role's or the database's name is hidden by its place only: else every message that names the
    // role would lose its sense, and tell the reader what the password is.
    private static IEnumerable<string> SecretsOf(PgTarget target) =>
        new[] { target.Password?.Reveal(), target.SslPassword?.Reveal() }
            .OfType<string>()
            .Where(secret => secret.Length > 0 && secret != target.Username && secret != target.Database && secret != target.Host)
            .SelectMany(FormsOf);

    private static string[] FormsOf(string secret) =>
        [secret, Uri.EscapeDataString(secret), secret.Replace("'", "''", StringComparison.Ordinal), ConnectionStringText.Escape(secret)];

    // Greedy up to the last @: a password pasted into a URI without escaping holds @ and / itself.
    [GeneratedRegex(@"(?<=://[^\s:/@]*:)\S*(?=@)", RegexOptions.CultureInvariant)]
    private static partial Regex UriPassword();

    [GeneratedRegex(
        @"(?<key>\b(?:PG|SSL)?(?:password|passwd|passphrase|pwd)(?:\s*=\s*|""\s*:\s*))"
            + @"(?:""(?:[^""\\]|\\.)*""|'(?:[^'\\]|\\.|'')*'|[^\s;&,""']+)",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex KeyValuePassword();

    // In code within a string the quotes are doubled.
    [GeneratedRegex(
        @"(?<key>\bPASSWORD\s+)(?:''(?=[^'])[^']*''|E?'(?:[^'\\]|\\.|'')*'|\$(?<tag>\w*)\$.*?\$\k<tag>\$)",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex SqlPassword();
}
