using System.Globalization;
using System.Text.RegularExpressions;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Checks.User;

/// <summary>
/// A probe: GET of a URL, passed with a status of 200 to 299. A redirection is none of them, for it may lead to a login page.
/// <c>{host} {port} {database} {user}</c> in the URL stand for the target's; its password never does.
/// </summary>
public sealed partial class HttpCheck : UserCheck
{
    private static readonly Lazy<HttpClient> Client = new(() => new HttpClient(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        PooledConnectionLifetime = TimeSpan.FromMinutes(1),
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    });

    private readonly string _url;

    /// <summary>Makes a probe.</summary>
    /// <param name="url">An http or https URL, placeholders in it.</param>
    /// <param name="name">Its name; null takes the URL without its query.</param>
    /// <exception cref="PgOpsException">InvalidArgument: no such URL, an unknown placeholder, or a password in it.</exception>
    public HttpCheck(string url, string? name = null)
        : base(name ?? url.Split('?', '#')[0])
    {
        _url = url;
        if (!Uri.TryCreate(Fill(new PgTarget()), UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        {
            throw Invalid("it is not an http or https URL");
        }

        if (uri.UserInfo.Length > 0)
        {
            throw Invalid("a user and password in it would be shown; let the service take probes without");
        }
    }

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
        using var answer =
            await Client.Value.GetAsync(new Uri(Fill(target)), HttpCompletionOption.ResponseHeadersRead, limit.Token).ConfigureAwait(false);
        var said = FormattableString.Invariant($"{(int)answer.StatusCode} {answer.ReasonPhrase}").TrimEnd();
        return answer.IsSuccessStatusCode ? new UserCheckAnswer(true, said)
            : new UserCheckAnswer(
                false,
                $"the answer is {said}"
                    + (answer.Headers.Location is { } elsewhere ? $", to {elsewhere.OriginalString.Split('?')[0]}" : "")
                    + "; 200 to 299 was expected");
    }

    private string Fill(PgTarget target) => Placeholder().Replace(_url, match => Uri.EscapeDataString(match.Groups[1].Value switch
    {
        "host" => target.Host,
        "port" => target.Port.ToString(CultureInfo.InvariantCulture),
        "database" => target.Database,
        "user" => target.Username,
        var unknown => throw Invalid($"{{{unknown}}} is unknown; there are {{host}}, {{port}}, {{database}} and {{user}}"),
    }));

    private PgOpsException Invalid(string why)
        => new(PgErrorCode.InvalidArgument, $"The probe {Redaction.ByPattern.Apply(Name)} cannot be made: "
            + $"{why}.", "Nothing was tested.", "Correct the URL given with -Check.");

    [GeneratedRegex(@"\{(\w+)\}", RegexOptions.CultureInvariant)]
    private static partial Regex Placeholder();
}
