namespace PgOps.Core.Postgres.Connections;

/// <summary>Reads libpq's connection service file (https://www.postgresql.org/docs/current/libpq-pgservice.html).</summary>
internal static class ServiceFile
{
    /// <summary>The keywords of a service.</summary>
    /// <exception cref="PgOpsException">TargetInvalid: no file defines the service.</exception>
    internal static Dictionary<string, string> Read(string service)
    {
        var files = Files().ToList();
        foreach (var file in files.Where(File.Exists))
        {
            if (Section(file, service) is { } keywords)
            {
                return keywords;
            }
        }

        throw TargetParser.Invalid(
            $"The service '{service}' is not defined.", $"Define it in one of: {string.Join(", ", files)}.");
    }

    private static Dictionary<string, string>? Section(string file, string service)
    {
        Dictionary<string, string>? keywords = null;
        foreach (var raw in File.ReadLines(file))
        {
            var line = raw.Trim();
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            if (line[0] == '[')
            {
                if (keywords is not null)
                {
                    return keywords;
                }

                keywords = line == $"[{service}]" ? new(StringComparer.Ordinal) : null;
            }
            else if (keywords is not null && line.IndexOf('=', StringComparison.Ordinal) is > 0 and var equals)
            {
                keywords[line[..equals].Trim()] = line[(equals + 1)..].Trim();
            }
        }

        return keywords;
    }

    private static IEnumerable<string> Files()
    {
        if (Environment.GetEnvironmentVariable("PGSERVICEFILE") is { Length: > 0 } named)
        {
            yield return named;
        }
        else
        {
            yield return OperatingSystem.IsWindows()
                ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData), "postgresql", ".pg_service.conf")
                : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".pg_service.conf");
        }

        if (Environment.GetEnvironmentVariable("PGSYSCONFDIR") is { Length: > 0 } folder)
        {
            yield return Path.Combine(folder, "pg_service.conf");
        }
        else if (!OperatingSystem.IsWindows())
        {
            yield return "/etc/postgresql-common/pg_service.conf";
        }
    }
}
