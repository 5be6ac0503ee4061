using System.Globalization;

namespace PgOps.Core.Postgres.Connections;

/// <summary>Reads libpq's URI form (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS).</summary>
internal static class TargetUri
{
    /// <summary>Reads what follows <c>postgresql://</c> into libpq keywords.</summary>
    internal static Dictionary<string, string> Read(string rest)
    {
        var keywords = new Dictionary<string, string>(StringComparer.Ordinal);
        var fragment = rest.IndexOf('?', StringComparison.Ordinal);
        var query = fragment < 0 ? "" : rest[(fragment + 1)..];
        var path = fragment < 0 ? rest : rest[..fragment];
        var slash = path.IndexOf('/', StringComparison.Ordinal);
        var authority = slash < 0 ? path : path[..slash];

        // The rest of a password with a raw '/' or '?' in it must not pass for a database, a port or a parameter, and be shown.
        if (authority.Length > 0 && !authority.Contains('@', StringComparison.Ordinal)
            && (path.Contains('@', StringComparison.Ordinal) || (slash < 0 && query.Contains('@', StringComparison.Ordinal))))
        {
            throw TargetParser.Invalid(
                "The URI has an '@' behind its first '/' or '?'.",
                "In a password write / as %2F, ? as %3F and @ as %40; elsewhere write @ as %40.");
        }

        if (slash >= 0 && slash + 1 < path.Length)
        {
            keywords["dbname"] = Decode(path[(slash + 1)..], "the database's name");
        }

        // A password with a raw '@' is a mistake that libpq stumbles over; the last '@' is what was meant.
        var at = authority.LastIndexOf('@');
        if (at >= 0)
        {
            var login = authority[..at];
            var colon = login.IndexOf(':', StringComparison.Ordinal);
            var user = colon < 0 ? login : login[..colon];
            if (user.Length > 0)
            {
                keywords["user"] = Decode(user, "the user's name");
            }

            if (colon >= 0 && colon + 1 < login.Length)
            {
                keywords["password"] = Decode(login[(colon + 1)..], "the password");
            }
        }

        ReadHosts(authority[(at + 1)..], keywords);
        ReadQuery(query, keywords);
        return keywords;
    }

    private static void ReadHosts(string hosts, Dictionary<string, string> keywords)
    {
        if (hosts.Length == 0)
        {
            return;
        }

        var names = new List<string>();
        var ports = new List<string>();
        foreach (var host in hosts.Split(','))
        {
            var (name, port) = SplitPort(host);
            names.Add(Decode(name, "the host"));
            ports.Add(port);
        }

        if (names.Any(name => name.Length > 0))
        {
            keywords["host"] = string.Join(',', names);
        }

        if (ports.Any(port => port.Length > 0))
        {
            keywords["port"] = string.Join(',', ports.Select(port => port.Length == 0 ? "5432" : port));
        }
    }

    private static (string Name, string Port) SplitPort(string host)
    {
        if (host.StartsWith('['))
        {
            var end = host.IndexOf(']', StringComparison.Ordinal);
            if (end < 0)
            {
                throw TargetParser.Invalid("The URI's IPv6 address has no closing ']'.");
            }

            return (host[1..end], host.Length > end + 2 && host[end + 1] == ':' ? host[(end + 2)..] : "");
        }

        var colon = host.LastIndexOf(':');
        return colon < 0 ? (host, "") : (host[..colon], host[(colon + 1)..]);
    }

    private static void ReadQuery(string query, Dictionary<string, string> keywords)
    {
        foreach (var pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                throw TargetParser.Invalid("A parameter in the URI has no value; they are written ?name=value&name=value.");
            }

            var name = Decode(pair[..equals], "a parameter's name");
            var value = Decode(pair[(equals + 1)..], $"the parameter '{name}'");
            if (name == "ssl" && value == "true")
            {
                // JDBC's spelling, which libpq understands as well.
                (name, value) = ("sslmode", "require");
            }

            if (name == "currentSchema")
            {
                name = "search_path";
            }

            keywords[name] = value;
        }
    }

    private static string Decode(string text, string what)
    {
        for (var index = text.IndexOf('%', StringComparison.Ordinal); index >= 0; index = text.IndexOf('%', index + 1))
        {
            if (index + 2 >= text.Length
                || !byte.TryParse(text.AsSpan(index + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code)
                || code == 0)
            {
                throw TargetParser.Invalid(
                    $"In the URI, {what} holds a '%' that no two hex digits other than 00 follow.", "Write a literal % as %25.");
            }
        }

        return Uri.UnescapeDataString(text);
    }
}
