using Npgsql;

namespace PgOps.Core.Postgres.Connections;

/// <summary>The files of a connection, read as libpq reads them (https://www.postgresql.org/docs/current/libpq-ssl.html).</summary>
internal static class TargetCertificates
{
    /// <summary>The name for the authorities that the machine itself trusts.</summary>
    internal const string System = "system";

    /// <summary>Sets encryption, authority, certificate, key and password file.</summary>
    /// <param name="builder">The driver's settings.</param>
    /// <param name="target">The target.</param>
    /// <exception cref="PgOpsException">TargetInvalid: a file that is needed is missing or of a form that cannot be read; it is
    /// named.</exception>
    internal static void Apply(NpgsqlConnectionStringBuilder builder, PgTarget target)
    {
        var root = RootOf(target);
        builder.SslMode = target.SslMode switch
        {
            // As in libpq: who has the authority's certificate means it to be looked at.
            PgSslMode.Require when root is not null => SslMode.VerifyCA,
            PgSslMode.Prefer or PgSslMode.Require when target.SslRootCertificate == System => SslMode.VerifyFull,
            _ => Enum.Parse<SslMode>(target.SslMode.ToString()),
        };
        builder.RootCertificate = root;
        if (target.SslMode != PgSslMode.Disable && !target.Host.StartsWith('/'))
        {
            RequireReadable(target.SslCertificate, "sslcert", pem: false);
            RequireReadable(target.SslKey, "sslkey", pem: true);
        }

        builder.SslCertificate = target.SslCertificate;
        builder.SslKey = target.SslKey;
        builder.SslPassword = target.SslPassword?.Reveal();
        builder.Passfile = IgnoredPasswordFile(target) is null ? target.PasswordFile : Path.DirectorySeparatorChar == '/' ? "/dev/null"
            : "NUL";
    }

    /// <summary>The password file that is not read, because others may read it, too.</summary>
    /// <param name="target">The target.</param>
    /// <returns>Its path; null when there is none or it is as it must be.</returns>
    internal static string? IgnoredPasswordFile(PgTarget target)
    {
        var file = target.PasswordFile ?? InHome(".pgpass");
        const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
            | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
        return !OperatingSystem.IsWindows() && !target.HasPassword && file is not null && File.Exists(file)
            && (File.GetUnixFileMode(file) & Others) != 0 ? file : null;
    }

    private static string? RootOf(PgTarget target)
    {
        if (target.SslMode == PgSslMode.Disable || target.Host.StartsWith('/') || target.SslRootCertificate == System)
        {
            return null;
        }

        var verified = target.SslMode is PgSslMode.VerifyCA or PgSslMode.VerifyFull;
        var root = target.SslRootCertificate ?? InHome(Path.Combine(".postgresql", "root.crt"));
        if (root is not null && File.Exists(root))
        {
            return root;
        }

        return target.SslRootCertificate is null || !verified ? null : throw TargetParser.Invalid(
            $"sslrootcert: there is no file {root}, by which the server's certificate is verified.",
            "Correct the path, or give sslrootcert=system for the authorities that this machine trusts.");
    }

    private static void RequireReadable(string? path, string keyword, bool pem)
    {
        if (path is null)
        {
            return;
        }

        string head;
        try
        {
            using var file = File.OpenText(path);
            var start = new char[4096];
            head = new string(start, 0, file.ReadBlock(start));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw TargetParser.Invalid($"{keyword}: {path} cannot be read: {error.Message}", "Correct the path, or its rights.");
        }

        if (pem && !head.Contains("-----BEGIN", StringComparison.Ordinal))
        {
            throw TargetParser.Invalid(
                $"{keyword}: {path} is not a key in PEM form.",
                $"Convert it: openssl pkey -inform DER -in '{path}' -out '{path}.pem', then name that file.");
        }
    }

    private static string? InHome(string name)
        => Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) is { Length: > 0 } home && !OperatingSystem.IsWindows()
            ? Path.Combine(home, name)
            : null;
}
