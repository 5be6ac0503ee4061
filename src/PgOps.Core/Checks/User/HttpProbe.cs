using System.Collections;
using System.Globalization;
using System.Net;
using System.Security;
using System.Text.RegularExpressions;

namespace PgOps.Core.Checks.User;

/// <summary>One request of a probe, and what its answer must be (docs/checks.md). What it is given is read strictly.</summary>
public sealed partial class HttpProbe
{
    private const string MemberNames = "Uri, Method, Headers, Body, ExpectStatus, ExpectJson and Save";
    private static readonly string[] Methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

    /// <summary>Makes a probe that a URL is: GET, and any answer of 200 to 299 will do.</summary>
    internal HttpProbe(string uri) => Uri = uri;

    /// <summary>Where to ask; placeholders in it.</summary>
    internal string Uri { get; }

    /// <summary>How to ask.</summary>
    internal string Method { get; private set; } = "GET";

    /// <summary>Headers with their values, text or <see cref="PgSecret"/>.</summary>
    internal IReadOnlyList<KeyValuePair<string, object?>> Headers { get; private set; } = [];

    /// <summary>A text, a secret, or what becomes JSON or a form: pairs, lists, values. Null sends none.</summary>
    internal object? Body { get; private set; }

    /// <summary>The status that is expected, one of these; empty expects 200 to 299.</summary>
    internal IReadOnlyList<int> ExpectStatus { get; private set; } = [];

    /// <summary>Members of the JSON in the answer, by their paths, with what they must be.</summary>
    internal IReadOnlyList<KeyValuePair<string, object?>> ExpectJson { get; private set; } = [];

    /// <summary>Names for later requests, with the paths of the members whose values they take.</summary>
    internal IReadOnlyList<KeyValuePair<string, object?>> Save { get; private set; } = [];

    /// <summary>How a check is named that is not given a name.</summary>
    internal string Name => (Method == "GET" ? "" : Method + " ") + Uri.Split('?', '#')[0];

    /// <summary>Whether the answer's body is looked at.</summary>
    internal bool ReadsJson => ExpectJson.Count + Save.Count > 0;

    /// <summary>Whether a table is a probe, and not one of names with checks.</summary>
    /// <param name="table">Any table.</param>
    public static bool IsIn(IDictionary table)
    {
        ArgumentNullException.ThrowIfNull(table);
        return table.Keys.Cast<object>().Any(key => IsNamed(key, nameof(Uri)) || IsNamed(key, nameof(Method)));
    }

    /// <summary>Reads a table of Uri, Method, Headers, Body, ExpectStatus, ExpectJson, Save; case does not count in their names.</summary>
    /// <param name="table">The table; its values are text, numbers, SecureString, tables and lists.</param>
    /// <exception cref="PgOpsException">InvalidArgument: a name or a value that makes no sense. It repeats no value.</exception>
    public static HttpProbe Read(IDictionary table)
    {
        ArgumentNullException.ThrowIfNull(table);
        var members = Pairs(table, "a probe");
        var uri = members.Find(member => IsNamed(member.Key, nameof(Uri))).Value switch
        {
            Uri url => url.OriginalString,
            string url => url,
            _ => throw Wrong("it has no Uri"),
        };
        var probe = new HttpProbe(uri);
        foreach (var (name, value) in members)
        {
            probe.Set(name, value);
        }

        return probe.Body is not null && probe.Method is "GET" or "HEAD"
            ? throw Wrong($"a {probe.Method} has no Body; say Method = 'POST'")
            : probe.Method == "HEAD" && probe.ReadsJson ? throw Wrong("the answer to HEAD has no JSON") : probe;
    }

    private void Set(string name, object? value)
    {
        switch (name.ToUpperInvariant())
        {
            case "URI":
                break;
            case "METHOD":
                Method = Array.Find(Methods, one => string.Equals(one, value as string, StringComparison.OrdinalIgnoreCase))
                    ?? throw Wrong($"Method is one of {string.Join(", ", Methods)}");
                break;
            case "HEADERS":
                Headers = Table(value, nameof(Headers));
                if (Headers.FirstOrDefault(one => !Token().IsMatch(one.Key)) is { Key: { } odd })
                {
                    throw Wrong($"'{odd}' is not the name of a header");
                }

                break;
            case "BODY":
                Body = Plain(value, nameof(Body));
                break;
            case "EXPECTSTATUS":
                ExpectStatus = [.. (value is IEnumerable and not string ? ((IEnumerable)value).Cast<object?>() : [value]).Select(Status)];
                break;
            case "EXPECTJSON":
                ExpectJson = [.. Members("", Table(value, nameof(ExpectJson)))];
                break;
            case "SAVE":
                Save = Table(value, nameof(Save));
                if (Save.FirstOrDefault(one => !Word().IsMatch(one.Key) || one.Value is not string { Length: > 0 }) is { Key: { } bad })
                {
                    throw Wrong($"Save is a table of names with paths, for example @{{ token = 'data.access_token' }}; '{bad}' is not so");
                }

                break;
            default:
                throw Wrong($"'{name}' is unknown; there are {MemberNames}");
        }
    }

    private static int Status(object? value)
        => Convert.ToString(value, CultureInfo.InvariantCulture) is var text
            && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var status)
            && status is >= 100 and <= 599
            ? status
            : throw Wrong("ExpectStatus is a status such as 201, or several");

    /// <summary>A table within a table is the same as a path with a dot.</summary>
    private static IEnumerable<KeyValuePair<string, object?>> Members(string above, List<KeyValuePair<string, object?>> table)
        => table.SelectMany(member => member.Value switch
        {
            List<KeyValuePair<string, object?>> below => Members($"{above}{member.Key}.", below),
            List<object?> => throw Wrong($"ExpectJson: {above}{member.Key} is a list; name its members by their number: '{member.Key}.0'"),
            var value => [new($"{above}{member.Key}", value)],
        });

    private static List<KeyValuePair<string, object?>> Table(object? value, string name)
        => Plain(value, name) as List<KeyValuePair<string, object?>> ?? throw Wrong($"{name} is not a table");

    private static List<KeyValuePair<string, object?>> Pairs(IDictionary table, string name)
    {
        var pairs = new List<KeyValuePair<string, object?>>();
        foreach (DictionaryEntry entry in table)
        {
            if (entry.Key is not string { Length: > 0 } key)
            {
                throw Wrong($"{name} has a name that is not a text");
            }

            pairs.Add(new(key, entry.Value));
        }

        return pairs;
    }

    /// <summary>A value as it can be sent: what is secret stays so.</summary>
    private static object? Plain(object? value, string name) => value switch
    {
        null or string or bool or PgSecret => value,
        SecureString secret => new PgSecret(new NetworkCredential("", secret).Password),
        byte or short or int or long or uint or ulong or float or double or decimal => value,
        DateTime or DateTimeOffset => ((IFormattable)value).ToString("O", CultureInfo.InvariantCulture),
        Guid or System.Uri or char or Enum => value.ToString(),
        IDictionary table => Pairs(table, name)
            .ConvertAll(pair => new KeyValuePair<string, object?>(pair.Key, Plain(pair.Value, $"{name}.{pair.Key}"))),
        IEnumerable list => list.Cast<object?>().Select(item => Plain(item, name)).ToList(),
        _ => throw Wrong($"{name} holds a {value.GetType().Name}; it takes text, numbers, SecureString, tables and lists"),
    };

    private static bool IsNamed(object key, string name) => string.Equals(key as string, name, StringComparison.OrdinalIgnoreCase);

    private static PgOpsException Wrong(string why) => new(
        PgErrorCode.InvalidArgument, $"A probe cannot be made: {why}.", "Nothing was tested.",
        "Correct the probe given with -Check; docs/checks.md describes it.");

    [GeneratedRegex(@"\A[!#$%&'*+.^_`|~0-9A-Za-z-]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex Token();

    [GeneratedRegex(@"\A\w+\z", RegexOptions.CultureInvariant)]
    private static partial Regex Word();
}
