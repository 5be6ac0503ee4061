using System.Globalization;
using System.Net;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Checks.User;

/// <summary>
/// A probe: one request, or several of which a later one may use what an earlier one was answered. A redirection is an answer like any
/// other, and none of 200 to 299, for it may lead to a login page. <c>{host} {port} {database} {user}</c> stand for the target's; its
/// password never does.
/// </summary>
public sealed class HttpCheck : UserCheck
{
    private const int LargestBody = 4 * 1024 * 1024;
    private static readonly Lazy<HttpClient> Client = new(() => NewClient(cookies: false));

    private readonly IReadOnlyList<HttpProbe> _flow;

    /// <summary>Makes a probe by GET, which any status of 200 to 299 passes.</summary>
    /// <param name="url">An http or https URL, placeholders in it.</param>
    /// <param name="name">Its name; null takes the URL without its query.</param>
    /// <exception cref="PgOpsException">InvalidArgument: no such URL, an unknown placeholder, or a password in it.</exception>
    public HttpCheck(string url, string? name = null)
        : this([new HttpProbe(url)], name)
    {
    }

    private HttpCheck(IReadOnlyList<HttpProbe> flow, string? name)
        : base(name ?? NameOf(flow))
    {
        _flow = [.. flow];
        HashSet<string> known = [.. ProbeValues.OfTarget];
        foreach (var probe in _flow)
        {
            Require(probe, known);
            foreach (var (saved, _) in probe.Save)
            {
                _ = known.Add(saved) ? 0 : throw Invalid(probe, $"{{{saved}}} has a value already; save under another name");
            }
        }
    }

    /// <summary>Makes a probe of one request or of several, one after the other.</summary>
    /// <param name="flow">The requests.</param>
    /// <param name="name">Its name; null takes the first one's method and URL.</param>
    /// <exception cref="PgOpsException">InvalidArgument: no such URL, an unknown placeholder, or a password in a URL.</exception>
    public static HttpCheck Of(IReadOnlyList<HttpProbe> flow, string? name) => new(flow, name);

    /// <summary>Whether a text looks like the URL of a probe.</summary>
    /// <param name="text">Any text.</param>
    public static bool IsUrl(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.StartsWith("http://", StringComparison.OrdinalIgnoreCase)
            || text.StartsWith("https://", StringComparison.OrdinalIgnoreCase);
    }

    internal override async Task<UserCheckAnswer> RunAsync(PgTarget target, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var limit = Limit(timeout, cancellationToken);
        var values = new ProbeValues(target);
        // Cookies belong to one flow, as to one visit.
        using var own = _flow.Count > 1 ? NewClient(cookies: true) : null;
        var said = new List<string>();
        foreach (var probe in _flow)
        {
            var answer = await AskAsync(own ?? Client.Value, probe, values, limit.Token).ConfigureAwait(false);
            if (!answer.Passed)
            {
                return _flow.Count == 1 ? answer : answer with
                {
                    Detail = string.Create(CultureInfo.InvariantCulture, $"request {said.Count + 1}, {Shown(probe)}: {answer.Detail}"),
                };
            }

            said.Add(answer.Detail);
        }

        return new UserCheckAnswer(true, string.Join("; ", said));
    }

    private static async Task<UserCheckAnswer> AskAsync(
        HttpClient client, HttpProbe probe, ProbeValues values, CancellationToken cancellationToken)
    {
        try
        {
            using var request = ProbeRequest.Of(probe, values);
            using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken)
                .ConfigureAwait(false);
            var status = (int)answer.StatusCode;
            var said = FormattableString.Invariant($"{status} {values.Hide(answer.ReasonPhrase ?? "")}").TrimEnd();
            if (!(probe.ExpectStatus.Count == 0 ? answer.IsSuccessStatusCode : probe.ExpectStatus.Contains(status)))
            {
                return new UserCheckAnswer(false, $"the answer is {said}{Elsewhere(answer, values)}; {Expected(probe)} was expected");
            }

            var problem = probe.ReadsJson
                ? new ProbeAnswer(probe, values).Read(
                    await BodyAsync(answer, cancellationToken).ConfigureAwait(false), answer.Content.Headers.ContentType?.MediaType)
                : null;
            return problem is null ? new UserCheckAnswer(true, said) : new UserCheckAnswer(false, $"{said}, and {problem}");
        }
        catch (Exception error) when (error is HttpRequestException or FormatException or IOException)
        {
            return new UserCheckAnswer(false, values.Hide(error.Message));
        }
    }

    private static async Task<ReadOnlyMemory<byte>> BodyAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        var stream = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        var buffer = new byte[81920];
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            if (body.Length + read > LargestBody)
            {
                throw new FormatException("the answer is longer than 4 MiB");
            }

            body.Write(buffer, 0, read);
        }

        return body.ToArray();
    }

    private static string Expected(HttpProbe probe)
        => probe.ExpectStatus.Count == 0 ? "200 to 299" : string.Join(" or ", probe.ExpectStatus);

    private static string Elsewhere(HttpResponseMessage answer, ProbeValues values)
        => answer.Headers.Location is { } elsewhere ? $", to {values.Hide(elsewhere.OriginalString.Split('?')[0])}" : "";

    private static HttpClient NewClient(bool cookies) => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = cookies,
        CookieContainer = new CookieContainer(),
        PooledConnectionLifetime = TimeSpan.FromMinutes(1),
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    private static string NameOf(IReadOnlyList<HttpProbe> flow)
    {
        ArgumentNullException.ThrowIfNull(flow);
        ArgumentOutOfRangeException.ThrowIfZero(flow.Count);
        return string.Create(
            CultureInfo.InvariantCulture, $"{flow[0].Name}{(flow.Count == 1 ? "" : $" and {flow.Count - 1} more")}");
    }

    private static void Require(HttpProbe probe, HashSet<string> known)
    {
        var texts = probe.Headers.Concat(probe.ExpectJson).Select(one => one.Value).Append(probe.Uri).Append(probe.Body)
            .SelectMany(TextsIn);
        if (texts.SelectMany(ProbeValues.NamesIn).FirstOrDefault(name => !known.Contains(name)) is { } unknown)
        {
            throw Invalid(
                probe,
                $"{{{unknown}}} is unknown; there are {string.Join(", ", known.Select(name => $"{{{name}}}"))}, "
                + "and what earlier requests of the same list save");
        }

        var example = new ProbeValues(new PgTarget());
        foreach (var name in known)
        {
            example.Save(name, "1");
        }

        var filled = example.Fill(probe.Uri, Uri.EscapeDataString);
        if (!Uri.TryCreate(filled, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        {
            throw Invalid(probe, "it is not an http or https URL");
        }

        if (uri.UserInfo.Length > 0)
        {
            throw Invalid(probe, "a user and password in it would be shown; give a header: Headers = @{ Authorization = … }");
        }
    }

    private static IEnumerable<string> TextsIn(object? value) => value switch
    {
        string text => [text],
        List<KeyValuePair<string, object?>> pairs => pairs.SelectMany(pair => TextsIn(pair.Value)),
        List<object?> list => list.SelectMany(TextsIn),
        _ => [],
    };

    private static string Shown(HttpProbe probe) => Redaction.ByPattern.Apply(probe.Name);

    private static PgOpsException Invalid(HttpProbe probe, string why)
        => new(PgErrorCode.InvalidArgument, $"The probe {Shown(probe)} cannot be made: {why}.", "Nothing was tested.",
            "Correct the probe given with -Check; docs/checks.md describes it.");
}
