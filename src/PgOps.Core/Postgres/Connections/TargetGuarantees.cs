namespace PgOps.Core.Postgres.Connections;

/// <summary>
/// Parameters of libpq that decide where a connection leads and how safe it is, and that PgOps' own sessions cannot follow: a value that
/// asks for more than they give is refused, for pg_dump and they must mean the same server with the same guarantees.
/// </summary>
internal static class TargetGuarantees
{
    /// <summary>What PgOps does anyway, by parameter; and what to do instead of anything else.</summary>
    private static readonly Dictionary<string, (string[] Done, string Instead)> Refused = new(StringComparer.Ordinal)
    {
        ["requirepeer"] = ([], "Leave it out; on a socket the folder's own rights decide who can answer there."),
        ["sslcrl"] = ([], "Leave it out, and give an sslrootcert whose authority has revoked nothing that matters."),
        ["sslcrldir"] = ([], "Leave it out, and give an sslrootcert whose authority has revoked nothing that matters."),
        ["ssl_min_protocol_version"] = (
            ["TLSv1", "TLSv1.1", "TLSv1.2"], "Leave it out: TLS 1.2 is the least in any case; the server's own setting of that name "
                + "asks for more."),
        ["ssl_max_protocol_version"] = (["TLSv1.3"], "Leave it out; the server's own setting of that name limits it."),
        ["sslnegotiation"] = (["postgres"], "Leave it out: every server takes the usual way."),
        ["krbsrvname"] = (["postgres"], "Leave it out, or name the server's principal postgres."),
        ["load_balance_hosts"] = (["disable"], "Give the one host that is meant."),
    };

    /// <summary>Their environment variables, which libpq reads where the parameter is not given.</summary>
    internal static readonly Dictionary<string, string> EnvironmentNames = new(StringComparer.Ordinal)
    {
        ["hostaddr"] = "PGHOSTADDR",
        ["requirepeer"] = "PGREQUIREPEER",
        ["sslcrl"] = "PGSSLCRL",
        ["sslcrldir"] = "PGSSLCRLDIR",
        ["ssl_min_protocol_version"] = "PGSSLMINPROTOCOLVERSION",
        ["ssl_max_protocol_version"] = "PGSSLMAXPROTOCOLVERSION",
        ["sslnegotiation"] = "PGSSLNEGOTIATION",
        ["krbsrvname"] = "PGKRBSRVNAME",
        ["load_balance_hosts"] = "PGLOADBALANCEHOSTS",
    };

    /// <summary>Refuses what cannot be followed, and lets hostaddr stand for the host where none is given.</summary>
    /// <param name="keywords">All that was given, the service and the environment among them.</param>
    /// <param name="start">What they are given for: its host counts where they have none.</param>
    internal static void Settle(Dictionary<string, string> keywords, PgTarget? start)
    {
        foreach (var (name, (done, instead)) in Refused)
        {
            if (keywords.GetValueOrDefault(name) is { Length: > 0 } value && !done.Contains(value, StringComparer.OrdinalIgnoreCase))
            {
                throw TargetParser.Invalid($"PgOps' own sessions cannot follow {Named(name)} '{value}', so it would protect half of "
                    + "the work.", instead);
            }
        }

        if (keywords.GetValueOrDefault("hostaddr") is { Length: > 0 } address)
        {
            var host = keywords.GetValueOrDefault("host") is { Length: > 0 } given ? given : start?.Host;
            if (host is not null && host != address)
            {
                throw TargetParser.Invalid(
                    $"{Named("hostaddr")} is {address} and the host {host}: psql would connect to the address, and PgOps to the host.",
                    $"Give the one that is meant as host (host={address}), and no hostaddr.");
            }

            keywords["host"] = address;
        }

        RequireSystemRoots(keywords);
    }

    /// <summary>sslrootcert=system takes the machine's own authorities, and nothing less than verify-full, as libpq has it.</summary>
    private static void RequireSystemRoots(Dictionary<string, string> keywords)
    {
        if (keywords.GetValueOrDefault("sslrootcert") == TargetCertificates.System
            && keywords.GetValueOrDefault("sslmode") is { Length: > 0 } mode && mode != "verify-full")
        {
            throw TargetParser.Invalid(
                $"sslmode '{mode}' is too weak for sslrootcert=system: anybody can have a certificate of a public authority.",
                "Give sslmode=verify-full.");
        }
    }

    /// <summary>require_auth in the driver's spelling.</summary>
    /// <param name="ways">As libpq spells it; null for all.</param>
    internal static string? DriverAuthentication(string? ways)
        => ways is null ? null : string.Join(',', ways.Split(',').Select(way => way.Trim()).Select(way =>
            (way.StartsWith('!') ? "!" : "") + way.TrimStart('!') switch
            {
                "password" => "Password",
                "md5" => "MD5",
                "gss" => "GSS",
                "sspi" => "SSPI",
                "none" => "None",
                _ => "ScramSHA256",
            }));

    /// <summary>require_auth, as it was given, of ways that PgOps' own sessions and libpq both know.</summary>
    /// <param name="ways">Names with commas between them, each with a ! before it or none.</param>
    internal static string Authentication(string ways)
        => ways.Split(',').Select(way => way.Trim().TrimStart('!')).FirstOrDefault(
            way => way is not ("password" or "md5" or "gss" or "sspi" or "scram-sha-256" or "none")) is { } unknown
            ? throw TargetParser.Invalid(
                $"require_auth '{unknown}' does not exist.", "It is one of password, md5, gss, sspi, scram-sha-256, none.")
            : ways.Split(',').Select(way => way.Trim().StartsWith('!')).Distinct().Count() > 1
            ? throw TargetParser.Invalid(
                $"require_auth '{ways}' both names and excludes ways.",
                "Give either those that may be, or those that may not, with a ! each.")
            : ways;

    private static string Named(string name) => $"{name} (or {EnvironmentNames[name]})";
}
