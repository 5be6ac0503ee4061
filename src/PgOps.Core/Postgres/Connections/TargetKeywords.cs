using System.Globalization;

namespace PgOps.Core.Postgres.Connections;

/// <summary>Makes a target of libpq keywords: what was given, then the service, then the PG* environment, then libpq's defaults.</summary>
internal static class TargetKeywords
{
    internal static readonly Dictionary<string, string> EnvironmentNames = new(StringComparer.Ordinal)
    {
        ["host"] = "PGHOST",
        ["port"] = "PGPORT",
        ["dbname"] = "PGDATABASE",
        ["user"] = "PGUSER",
        ["password"] = "PGPASSWORD",
        ["passfile"] = "PGPASSFILE",
        ["sslmode"] = "PGSSLMODE",
        ["sslrootcert"] = "PGSSLROOTCERT",
        ["sslcert"] = "PGSSLCERT",
        ["sslkey"] = "PGSSLKEY",
        ["connect_timeout"] = "PGCONNECT_TIMEOUT",
        ["application_name"] = "PGAPPNAME",
        ["options"] = "PGOPTIONS",
        ["target_session_attrs"] = "PGTARGETSESSIONATTRS",
        ["channel_binding"] = "PGCHANNELBINDING",
        ["gssencmode"] = "PGGSSENCMODE",
        ["require_auth"] = "PGREQUIREAUTH",
    };

    /// <summary>
    /// Understood by others (Prisma's pool, libpq's fine tuning, ADO.NET's pool) and without meaning for a single session.
    /// </summary>
    internal static readonly HashSet<string> Ignored = new(StringComparer.Ordinal)
    {
        "connection_limit", "pool_timeout", "socket_timeout", "statement_cache_size", "max_idle_connection_lifetime",
        "max_connection_lifetime", "workaround", "sslcompression", "sslsni", "gsslib", "gssdelegation", "keepalives", "keepalives_idle",
        "keepalives_interval",
        "keepalives_count", "tcp_user_timeout", "fallback_application_name", "client_encoding", "uselibpqcompat", "pooling",
        "minimum pool size", "maximum pool size",
        "min pool size", "max pool size", "command timeout", "commandtimeout", "keepalive", "multiplexing", "include error detail",
        "include failed batched command", "persist security info", "trust server certificate", "no reset on close", "enlist",
        "connection idle lifetime", "connection lifetime", "max auto prepare", "encoding", "client encoding", "timezone",
        "server compatibility mode", "tcp keepalive", "log parameters", "cancellation timeout", "internal command timeout",
    };

    internal static readonly HashSet<string> Known = new(
        EnvironmentNames.Keys.Concat(TargetGuarantees.EnvironmentNames.Keys), StringComparer.Ordinal)
    {
        "service", "sslpassword", "schema", "search_path", "pgbouncer", "sslaccept", "sslidentity",
    };

    private static readonly string[] EncryptionModes = ["disable", "prefer", "require"];

    private static readonly string[] SessionKinds =
        ["any", "read-write", "read-only", "primary", "standby", "prefer-standby", "prefer-primary"];

    /// <param name="given">The keywords.</param>
    /// <param name="mayHoldPieces">Whether an unknown name may be a piece of a password that was not quoted.</param>
    internal static PgTarget ToTarget(Dictionary<string, string> given, bool mayHoldPieces = false)
    {
        RequireKnown(given, mayHoldPieces);
        var keywords = Complete(given, environment: true);
        TargetGuarantees.Settle(keywords, null);
        var user = keywords.GetValueOrDefault("user") is { Length: > 0 } named ? named : Environment.UserName;
        var port = keywords.GetValueOrDefault("port") is { Length: > 0 } number ? Port(number) : 5432;
        return Apply(new PgTarget { Host = DefaultHost(port), Port = port, Username = user, Database = user }, keywords);
    }

    /// <summary>The same target with what is given in the place of its own; the environment has no say.</summary>
    internal static PgTarget Replace(PgTarget start, Dictionary<string, string> given)
    {
        RequireKnown(given, mayHoldPieces: false);
        var keywords = Complete(given, environment: false);
        TargetGuarantees.Settle(keywords, start);
        return Apply(start, keywords);
    }

    private static void RequireKnown(Dictionary<string, string> given, bool mayHoldPieces)
    {
        foreach (var name in given.Keys.Where(name => !Known.Contains(name) && !Ignored.Contains(name)))
        {
            throw Unknown(name, mayHoldPieces && given.ContainsKey("password"));
        }
    }

    private static PgTarget Apply(PgTarget start, Dictionary<string, string> keywords)
    {
        return start with
        {
            Host = Value("host") ?? start.Host,
            Port = Value("port") is { } port ? Port(port) : start.Port,
            Username = Value("user") ?? start.Username,
            Database = Value("dbname") ?? start.Database,
            Password = Secret("password") ?? start.Password,
            PasswordFile = Value("passfile") ?? start.PasswordFile,
            SslMode = Value("sslmode") is null && Value("sslaccept") is null && Value("sslrootcert") != TargetCertificates.System
                ? start.SslMode
                : Ssl(keywords),
            SslRootCertificate = Value("sslrootcert") ?? start.SslRootCertificate,
            SslCertificate = Value("sslcert") ?? start.SslCertificate,
            SslKey = Value("sslkey") ?? start.SslKey,
            SslPassword = Secret("sslpassword") ?? start.SslPassword,
            GssEncryptionMode = OneOf("gssencmode", EncryptionModes) ?? start.GssEncryptionMode,
            ChannelBinding = OneOf("channel_binding", EncryptionModes) ?? start.ChannelBinding,
            RequireAuth = Value("require_auth") is { } ways ? TargetGuarantees.Authentication(ways) : start.RequireAuth,
            TargetSessionAttributes = OneOf("target_session_attrs", SessionKinds) ?? start.TargetSessionAttributes,
            Options = Options(),
            Schema = Value("schema") ?? start.Schema,
            ConnectTimeout = Value("connect_timeout") is { } timeout ? Timeout(timeout) : start.ConnectTimeout,
            ApplicationName = Value("application_name") ?? start.ApplicationName,
            Pooled = Value("pgbouncer") is { } pooled ? pooled is "true" or "1" : start.Pooled,
        };

        string? Value(string name) => keywords.GetValueOrDefault(name) is { Length: > 0 } value ? value : null;

        PgSecret? Secret(string name) => Value(name) is { } value ? new PgSecret(value) : null;

        string? OneOf(string name, string[] values) => Value(name) is not { } value ? null
            : values.Contains(value, StringComparer.OrdinalIgnoreCase) ? value
            : throw TargetParser.Invalid($"{name} '{value}' does not exist.", $"It is one of {string.Join(", ", values)}.");

        string? Options() => Value("search_path") is { } path
            ? $"{Value("options") ?? start.Options} -c search_path={path.Replace(" ", "\\ ", StringComparison.Ordinal)}".Trim()
            : Value("options") ?? start.Options;
    }

    private static Dictionary<string, string> Complete(Dictionary<string, string> given, bool environment)
    {
        var keywords = new Dictionary<string, string>(given, StringComparer.Ordinal);
        var service = given.GetValueOrDefault("service") ?? (environment ? Environment.GetEnvironmentVariable("PGSERVICE") : null);
        if (!string.IsNullOrEmpty(service))
        {
            foreach (var (name, value) in ServiceFile.Read(service))
            {
                keywords.TryAdd(name, value);
            }
        }

        foreach (var (name, variable) in EnvironmentNames.Concat(TargetGuarantees.EnvironmentNames))
        {
            if (environment && Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value)
            {
                keywords.TryAdd(name, value);
            }
        }

        // In Prisma's form sslcert is the authority's certificate, told by its companions.
        if (keywords.ContainsKey("sslaccept") || keywords.ContainsKey("sslidentity"))
        {
            if (keywords.Remove("sslcert", out var authority))
            {
                keywords.TryAdd("sslrootcert", authority);
            }

            if (keywords.TryGetValue("sslidentity", out var identity))
            {
                keywords["sslcert"] = identity;
            }
        }

        return keywords;
    }

    private static PgSslMode Ssl(Dictionary<string, string> keywords)
    {
        // Prisma's sslmode says whether to encrypt, its sslaccept whether to trust any certificate.
        var strict = keywords.GetValueOrDefault("sslaccept") == "strict";
        var text = keywords.GetValueOrDefault("sslmode");
        if (string.IsNullOrEmpty(text) && keywords.GetValueOrDefault("sslrootcert") == TargetCertificates.System)
        {
            return PgSslMode.VerifyFull;
        }

        if (string.IsNullOrEmpty(text) || (strict && text is ("prefer" or "require")))
        {
            return strict ? PgSslMode.VerifyFull : PgSslMode.Prefer;
        }

        return !char.IsAsciiDigit(text[0]) && Enum.TryParse<PgSslMode>(
            text.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out var mode)
            && Enum.IsDefined(mode)
            ? mode
            : throw TargetParser.Invalid(
                $"sslmode '{text}' does not exist.", "It is one of disable, allow, prefer, require, verify-ca, verify-full.");
    }

    private static int Port(string text)
    {
        var ports = text.Split(',').Distinct(StringComparer.Ordinal).ToArray();
        if (ports.Length > 1)
        {
            throw TargetParser.Invalid("Several hosts with different ports are not supported.", "Give the one host that is meant.");
        }

        return int.TryParse(ports[0], NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and < 65536
            ? port
            : throw TargetParser.Invalid("The port is not a number from 1 to 65535.");
    }

    private static TimeSpan Timeout(string text)
        => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            ? TimeSpan.FromSeconds(seconds)
            : throw TargetParser.Invalid("connect_timeout is not a number of seconds.");

    /// <summary>libpq's default: the Unix socket where there is one, else localhost.</summary>
    private static string DefaultHost(int port)
    {
        if (!OperatingSystem.IsWindows())
        {
            foreach (var folder in new[] { "/var/run/postgresql", "/tmp" })
            {
                if (File.Exists(Path.Combine(folder, $".s.PGSQL.{port.ToString(CultureInfo.InvariantCulture)}")))
                {
                    return folder;
                }
            }
        }

        return "localhost";
    }

    private static PgOpsException Unknown(string name, bool mayBeSecret)
    {
        var (like, near) = Known.Select(known => (Name: known, Keyword: known)).Concat(ConnectionStringText.Names)
            .MaxBy(known => known.Name.AsSpan().CommonPrefixLength(name));
        near = like.AsSpan().CommonPrefixLength(name) < 3 ? null : near;
        return mayBeSecret && near is null
            ? TargetParser.Invalid(
                "After the password stands what is not a connection parameter that PgOps knows; "
                    + "it is not repeated here, for it may be a piece of the password.",
                "A password with blanks, semicolons or equal signs stands in quotes.")
            : TargetParser.Invalid(
                $"'{name}' is not a connection parameter that PgOps knows.",
                near is null
                    ? "Parameters are those of libpq (https://www.postgresql.org/docs/current/libpq-connect.html) and Prisma."
                    : $"Did you mean '{near}'?");
    }
}
