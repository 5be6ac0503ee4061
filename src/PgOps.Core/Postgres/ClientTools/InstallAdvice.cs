using System.Globalization;

namespace PgOps.Core.Postgres.ClientTools;

/// <summary>The command that installs PostgreSQL's programs on this machine.</summary>
internal static class InstallAdvice
{
    private const int NewestKnownMajor = 17;
    private const string AptRepository = "releases newer than the distribution's come from https://apt.postgresql.org";
    private const string YumRepository = "releases newer than the distribution's come from https://yum.postgresql.org";

    /// <summary>How to get the server programs (postgres, initdb).</summary>
    /// <param name="major">The major version wanted; null when any will do.</param>
    /// <returns>A sentence with the command.</returns>
    public static string Server(int? major = null) => Compose(
        major is { } apt ? $"apt-get install postgresql-{Text(apt)}" : "apt-get install postgresql",
        major is { } dnf ? $"dnf install postgresql{Text(dnf)}-server" : "dnf install postgresql-server",
        major is { } apk ? $"apk add postgresql{Text(apk)}" : "apk add postgresql",
        major);

    /// <summary>How to get the client programs (pg_dump, pg_restore, pg_dumpall, psql).</summary>
    /// <param name="major">The oldest major version that will do; null when any will do.</param>
    /// <returns>A sentence with the command.</returns>
    public static string Client(int? major = null) => Compose(
        major is { } apt ? $"apt-get install postgresql-client-{Text(apt)}" : "apt-get install postgresql-client",
        major is { } dnf ? $"dnf install postgresql{Text(dnf)}" : "dnf install postgresql",
        major is { } apk ? $"apk add postgresql{Text(apk)}-client" : "apk add postgresql-client",
        major);

    private static string Compose(string apt, string dnf, string apk, int? major)
    {
        var packaged = Text(major ?? NewestKnownMajor);
        if (OperatingSystem.IsWindows())
        {
            return $"Install it with: winget install PostgreSQL.PostgreSQL.{packaged}";
        }

        if (OperatingSystem.IsMacOS())
        {
            return $"Install it with: brew install postgresql@{packaged}";
        }

        var family = LinuxFamily();
        if (family.Contains("debian", StringComparison.Ordinal) || family.Contains("ubuntu", StringComparison.Ordinal))
        {
            return $"Install it with: {apt} ({AptRepository})";
        }

        if (family.Contains("fedora", StringComparison.Ordinal) || family.Contains("rhel", StringComparison.Ordinal))
        {
            return $"Install it with: {dnf} ({YumRepository})";
        }

        return family.Contains("alpine", StringComparison.Ordinal)
            ? $"Install it with: {apk}"
            : $"Install it with your package manager ({apt}; {dnf}), or name its folder in PGOPS_PG_BIN.";
    }

    // https://www.freedesktop.org/software/systemd/man/latest/os-release.html
    private static string LinuxFamily()
    {
        try
        {
            return string.Join(' ', File.ReadLines("/etc/os-release")
                .Where(line => line.StartsWith("ID=", StringComparison.Ordinal) || line.StartsWith("ID_LIKE=", StringComparison.Ordinal)));
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static string Text(int major) => major.ToString(CultureInfo.InvariantCulture);
}
