using System.Globalization;
using System.Text;

namespace PgOps;

/// <summary>Writes a target as libpq reads it.</summary>
internal static class PgTargetText
{
    internal static string SslModeName(PgSslMode mode) => mode switch
    {
        PgSslMode.VerifyCA => "verify-ca",
        PgSslMode.VerifyFull => "verify-full",
        PgSslMode.Disable => "disable",
        PgSslMode.Allow => "allow",
        PgSslMode.Require => "require",
        _ => "prefer",
    };

    internal static Dictionary<string, string> ToEnvironment(PgTarget target)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["PGHOST"] = target.Host,
            ["PGPORT"] = target.Port.ToString(CultureInfo.InvariantCulture),
            ["PGDATABASE"] = target.Database,
            ["PGUSER"] = target.Username,
            ["PGSSLMODE"] = SslModeName(target.SslMode),
            ["PGGSSENCMODE"] = target.GssEncryptionMode ?? "disable",
        };
        if (target.ConnectTimeout > TimeSpan.Zero)
        {
            environment["PGCONNECT_TIMEOUT"] =
                Math.Max(2, (int)Math.Ceiling(target.ConnectTimeout.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        }

        // A program that is not PgOps should not pass for it.
        Add("PGAPPNAME", target.ApplicationName == PgTarget.DefaultApplicationName ? null : target.ApplicationName);
        Add("PGPASSWORD", target.Password?.Reveal());
        Add("PGPASSFILE", target.PasswordFile);
        Add("PGSSLROOTCERT", target.SslRootCertificate);
        Add("PGSSLCERT", target.SslCertificate);
        Add("PGSSLKEY", target.SslKey);
        Add("PGCHANNELBINDING", target.ChannelBinding);
        Add("PGTARGETSESSIONATTRS", target.TargetSessionAttributes);
        Add("PGREQUIREAUTH", target.RequireAuth);
        Add("PGOPTIONS", target.Options);
        return environment;

        void Add(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                environment[name] = value;
            }
        }
    }

    internal static string ToUri(PgTarget target)
    {
        var uri = new StringBuilder("postgresql://").Append(Uri.EscapeDataString(target.Username));
        if (target.Password is { } password)
        {
            uri.Append(':').Append(Uri.EscapeDataString(password.Reveal()));
        }

        uri.Append('@');

        // In a URI's authority each of several hosts would need its own port; as a parameter one port serves all.
        var asParameter = target.Host.Contains('/', StringComparison.Ordinal) || target.Host.Contains(',', StringComparison.Ordinal);
        if (!asParameter)
        {
            uri.Append(target.Host.Contains(':', StringComparison.Ordinal) ? $"[{target.Host}]" : target.Host)
                .Append(':').Append(target.Port.ToString(CultureInfo.InvariantCulture));
        }

        uri.Append('/').Append(Uri.EscapeDataString(target.Database));
        var separator = '?';
        if (asParameter)
        {
            Query("host", target.Host);
            Query("port", target.Port.ToString(CultureInfo.InvariantCulture));
        }

        if (target.SslMode != PgSslMode.Prefer)
        {
            Query("sslmode", SslModeName(target.SslMode));
        }

        Query("sslrootcert", target.SslRootCertificate);
        Query("sslcert", target.SslCertificate);
        Query("sslkey", target.SslKey);
        Query("sslpassword", target.SslPassword?.Reveal());
        Query("passfile", target.PasswordFile);
        Query("options", target.Options);
        Query("channel_binding", target.ChannelBinding);
        Query("target_session_attrs", target.TargetSessionAttributes);
        Query("require_auth", target.RequireAuth);
        return uri.ToString();

        void Query(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                uri.Append(separator).Append(name).Append('=').Append(Uri.EscapeDataString(value));
                separator = '&';
            }
        }
    }
}
