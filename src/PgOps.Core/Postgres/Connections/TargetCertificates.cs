using System.Text;
using Npgsql;

namespace PgOps.Core.Postgres.Connections;

/// <summary>The files of a connection, read as libpq reads them (https://www.postgresql.org/docs/current/libpq-ssl.html).</summary>
internal static class TargetCertificates
{
    /// <summary>The name for the authorities that the machine itself trusts.</summary>
    internal const string System = "system";

    /// <summary>The rights of everybody but the owner.</summary>
    internal const UnixFileMode OfOthers = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>The client's certificate; null when there is none to show.</summary>
    internal static string? ClientFile(PgTarget target)
        => Encrypts(target) ? target.SslCertificate ?? UsualFile("postgresql.crt") : null;

    /// <summary>Whether the connection may be encrypted, so that certificates matter.</summary>
    internal static bool Encrypts(PgTarget target) => target.SslMode != PgSslMode.Disable && !target.Host.StartsWith('/');

    /// <summary>The authorities' file; null when there is none that counts.</summary>
    internal static string? RootFile(PgTarget target)
        => !Encrypts(target) || target.SslRootCertificate == System ? null : target.SslRootCertificate ?? UsualFile("root.crt");

    /// <summary>Sets encryption, authority and password file. The client's certificate is <see cref="ClientCertificate"/>'s.</summary>
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
        builder.Passfile = IgnoredPasswordFile(target) is null ? target.PasswordFile : Path.DirectorySeparatorChar == '/' ? "/dev/null"
            : "NUL";
    }

    /// <summary>The password file that is not read, because others may read it, too.</summary>
    /// <param name="target">The target.</param>
    /// <returns>Its path; null when there is none or it is as it must be.</returns>
    internal static string? IgnoredPasswordFile(PgTarget target)
    {
        var file = target.PasswordFile ?? InHome(".pgpass");
        return !OperatingSystem.IsWindows() && !target.HasPassword && file is not null && File.Exists(file)
            && (File.GetUnixFileMode(file) & OfOthers) != 0 ? file : null;
    }

    /// <summary>The file that libpq takes where none is named; null when it is not there.</summary>
    internal static string? UsualFile(string name)
        => InHome(OperatingSystem.IsWindows() ? name : Path.Combine(".postgresql", name)) is { } file && File.Exists(file) ? file : null;

    /// <summary>The bytes of a file that a keyword names.</summary>
    internal static byte[] ReadFile(string path, string keyword)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw TargetParser.Invalid(
                File.Exists(path) ? $"{keyword}: {path} cannot be read: {error.Message}"
                    : Directory.Exists(path) ? $"{keyword}: {path} is a folder."
                    : $"{keyword}: there is no file {path}.",
                "Correct the path, or its rights.");
        }
    }

    private static string? RootOf(PgTarget target)
    {
        if (!Encrypts(target) || target.SslRootCertificate == System)
        {
            return null;
        }

        var root = RootFile(target);
        if (root is not null && File.Exists(root))
        {
            return Encoding.Latin1.GetString(ReadFile(root, "sslrootcert")).Contains("-----BEGIN ", StringComparison.Ordinal)
                ? root
                : throw TargetParser.Invalid(
                    $"sslrootcert: {root} is not in PEM form, and the programs of PostgreSQL take no other.",
                    $"Convert it: openssl x509 -inform DER -in '{root}' -out '{root}.pem', then sslrootcert={root}.pem.");
        }

        return target.SslMode is not (PgSslMode.VerifyCA or PgSslMode.VerifyFull) ? null : throw TargetParser.Invalid(
            root is null
                ? $"sslmode={PgTargetText.SslModeName(target.SslMode)} needs the authority's certificate: there is no sslrootcert, and no "
                    + $"{InHome(OperatingSystem.IsWindows() ? "root.crt" : ".postgresql/root.crt")}."
                : $"sslrootcert: there is no file {root}, by which the server's certificate is verified.",
            "Give sslrootcert, the file with the authority's certificate; or sslrootcert=system with verify-full for the authorities that "
                + "this machine trusts (pg_dump 16 or newer).");
    }

    private static string? InHome(string name)
        => OperatingSystem.IsWindows()
            ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData), "postgresql", name)
            : Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) is { Length: > 0 } home ? Path.Combine(home, name) : null;
}
