using System.Text.RegularExpressions;

namespace PgOps.Core.Repository.Storage;

/// <summary>
/// Names a place: a path or <c>file://</c> URI, <c>s3://bucket/prefix?endpoint=…&amp;region=…</c>, or <c>rclone:remote:path</c>.
/// It never holds a secret: one that does is refused, and the refusal does not repeat it.
/// </summary>
internal sealed partial record StoreUri
{
    private const string S3Scheme = "s3://";
    private const string RcloneScheme = "rclone:";
    private const string FileScheme = "file://";

    private static readonly string[] KnownOptions = ["endpoint", "region", "pathstyle", "profile", "sse", "ssekey", "lock", "retain"];

    private StoreUri(StoreKind kind, string root, string path)
    {
        Kind = kind;
        Root = root;
        Path = path;
    }

    /// <summary>What kind of place it is.</summary>
    internal StoreKind Kind { get; }

    /// <summary>The bucket, or the remote with its colon; empty for a folder.</summary>
    internal string Root { get; }

    /// <summary>The full path of a folder, the prefix in the bucket, or the path on the remote; no slash at its end.</summary>
    internal string Path { get; private init; }

    /// <summary>What stands behind the question mark of an S3 URI.</summary>
    internal IReadOnlyDictionary<string, string> Options { get; private init; } = new Dictionary<string, string>();

    /// <summary>The last part of the path.</summary>
    internal string Name => Kind == StoreKind.Folder ? System.IO.Path.GetFileName(Path) : Path[(Path.LastIndexOf('/') + 1)..];

    /// <summary>The place that holds this one; null at the top.</summary>
    internal StoreUri? Parent
    {
        get
        {
            if (Kind == StoreKind.Folder)
            {
                return System.IO.Path.GetDirectoryName(Path) is { } folder ? this with { Path = folder } : null;
            }

            var slash = Path.LastIndexOf('/');
            return Path.Length == 0 ? null : this with { Path = slash < 0 ? "" : Path[..Math.Max(slash, Path[0] == '/' ? 1 : 0)] };
        }
    }

    /// <summary>Whether a text names a place that is not a folder.</summary>
    internal static bool IsRemote(string text)
        => text.StartsWith(S3Scheme, StringComparison.OrdinalIgnoreCase)
            || text.StartsWith(RcloneScheme, StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether a text is written as a URI, so that it is not a path of the shell's.</summary>
    internal static bool IsUri(string text) => IsRemote(text) || text.StartsWith(FileScheme, StringComparison.OrdinalIgnoreCase);

    /// <summary>Reads a URI or path.</summary>
    /// <param name="text">As the user gave it.</param>
    /// <exception cref="PgOpsException">StoreInvalid: not understood, or it holds a secret.</exception>
    internal static StoreUri Parse(string text)
    {
        if (text.StartsWith(S3Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return ParseS3(text[S3Scheme.Length..]);
        }

        if (text.StartsWith(RcloneScheme, StringComparison.OrdinalIgnoreCase))
        {
            return ParseRclone(text[RcloneScheme.Length..]);
        }

        if (!text.StartsWith(FileScheme, StringComparison.OrdinalIgnoreCase))
        {
            // Two letters at least: C:\ is a drive.
            return OtherScheme().Match(text) is { Success: true } other
                ? throw Invalid($"PgOps knows no {other.Value} URIs.", "rclone reaches most services: rclone:remote:path.")
                : new StoreUri(StoreKind.Folder, "", System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(text)));
        }

        return Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.IsFile && uri.UserInfo.Length == 0
            ? new StoreUri(StoreKind.Folder, "", System.IO.Path.TrimEndingDirectorySeparator(uri.LocalPath))
            : throw Invalid("That file URI cannot be read.", "Write file:///full/path, or the path itself.");
    }

    /// <summary>A place below this one.</summary>
    internal StoreUri Child(string name)
        => this with { Path = Kind == StoreKind.Folder ? System.IO.Path.Combine(Path, name) : Join(Path, name) };

    /// <summary>The last part of a path or URI.</summary>
    internal static string NameOf(string place) => IsRemote(place) ? Parse(place).Name : System.IO.Path.GetFileName(place);

    /// <summary>Joins two parts of a path that has forward slashes.</summary>
    internal static string Join(string path, string name) => path.Length == 0 || path[^1] == '/' ? path + name : $"{path}/{name}";

    /// <summary>The URI, or a folder's path.</summary>
    public override string ToString() => Kind switch
    {
        StoreKind.S3 => $"{S3Scheme}{Root}/{string.Join('/', Path.Split('/').Select(Escape))}".TrimEnd('/') + Query(),
        StoreKind.Rclone => RcloneScheme + Root + Path,
        _ => Path,
    };

    private static StoreUri ParseS3(string text)
    {
        var (place, query) = text.IndexOf('?', StringComparison.Ordinal) is >= 0 and var mark
            ? (text[..mark], text[(mark + 1)..])
            : (text, "");
        var slash = place.IndexOf('/', StringComparison.Ordinal);
        var bucket = slash < 0 ? place : place[..slash];
        if (bucket.Contains('@', StringComparison.Ordinal))
        {
            throw Secret();
        }

        if (!Bucket().IsMatch(bucket))
        {
            throw Invalid(
                "That S3 URI names no bucket.",
                "Write s3://bucket/prefix, with ?endpoint=http://host:port behind it for a service other than AWS.");
        }

        var options = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var part in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            var name = equals > 0 ? part[..equals].ToLowerInvariant() : "";
            if (SecretName().IsMatch(name) && !KnownOptions.Contains(name))
            {
                throw Secret();
            }

            if (!KnownOptions.Contains(name) || !options.TryAdd(name, Uri.UnescapeDataString(part[(equals + 1)..])))
            {
                throw Invalid(
                    $"The S3 URI has an option that is not known, is there twice, or has no value{(name.Length > 0 ? $": {name}" : "")}.",
                    $"Known are {string.Join(", ", KnownOptions)}, each as name=value, joined by &.");
            }
        }

        if (options.TryGetValue("endpoint", out var endpoint))
        {
            RefuseEndpoint(endpoint);
        }

        var path = slash < 0
            ? ""
            : string.Join('/', place[(slash + 1)..].Split('/', StringSplitOptions.RemoveEmptyEntries).Select(Uri.UnescapeDataString));
        return new StoreUri(StoreKind.S3, bucket, path) { Options = options };
    }

    private static void RefuseEndpoint(string endpoint)
    {
        if (endpoint.Contains('@', StringComparison.Ordinal))
        {
            throw Secret();
        }

        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        {
            throw Invalid("The endpoint of the S3 URI is not a URL.", "Write endpoint=https://host or endpoint=http://host:port.");
        }
    }

    private static StoreUri ParseRclone(string text)
    {
        var match = Remote().Match(text);
        if (!match.Success || match.Value[0] == '-')
        {
            throw Invalid("That is not a place of rclone's.", "Write rclone:remote:path; rclone listremotes names the remotes.");
        }

        // Only what cannot be a secret may stand in a connection string.
        if (UserInfo().IsMatch(text) || Parameter().Matches(match.Value).Any(one
            => SecretName().IsMatch(one.Groups["name"].Value) && one.Groups["value"].Value is not ("true" or "false")))
        {
            throw Secret();
        }

        var path = text[match.Length..];
        return new StoreUri(StoreKind.Rclone, match.Value, path.Length > 1 ? path.TrimEnd('/') : path);
    }

    private static PgOpsException Secret() => Invalid(
        "The URI holds a secret, or what looks like one. A URI is seen in logs, histories and process lists.",
        "Leave it out of the URI. S3 takes keys from the AWS environment variables or the profile (?profile=name); "
            + "rclone from its own configuration.");

    private static PgOpsException Invalid(string problem, string next)
        => new(PgErrorCode.StoreInvalid, problem, "Nothing was touched.", next);

    private static string Escape(string text) => text
        .Replace("%", "%25", StringComparison.Ordinal)
        .Replace("?", "%3F", StringComparison.Ordinal)
        .Replace("#", "%23", StringComparison.Ordinal)
        .Replace(" ", "%20", StringComparison.Ordinal);

    private string Query() => Options.Count == 0
        ? ""
        : "?" + string.Join(
            '&', Options.Select(option => $"{option.Key}={Escape(option.Value).Replace("&", "%26", StringComparison.Ordinal)}"));

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$", RegexOptions.CultureInvariant)]
    private static partial Regex Bucket();

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9+.-]+://", RegexOptions.CultureInvariant)]
    private static partial Regex OtherScheme();

    // A remote's name, or :backend, with its parameters, up to the colon before the path (https://rclone.org/docs/#connection-strings).
    [GeneratedRegex("^:?[\\w.+@ -]+(?:,[\\w-]+(?:=(?:\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'|[^:,]*))?)*:", RegexOptions.CultureInvariant)]
    private static partial Regex Remote();

    [GeneratedRegex(",(?<name>[\\w-]+)=(?<value>\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'|[^:,]*)", RegexOptions.CultureInvariant)]
    private static partial Regex Parameter();

    [GeneratedRegex("://[^\\s/]*@", RegexOptions.CultureInvariant)]
    private static partial Regex UserInfo();

    [GeneratedRegex(
        "(pass|secret|token|key|sas|credential|auth|cookie)(?!.*_(file|env|path)$)",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex SecretName();
}
