using System.Diagnostics;

namespace PgOps.Core.Postgres.ClientTools;

/// <summary>Makes the environment of a PostgreSQL program.</summary>
internal static class ToolEnvironment
{
    private static readonly string[] EncodingVariables = ["LC_ALL", "LC_CTYPE", "LANG"];

    /// <summary>Removes what would lead the program elsewhere and keeps its messages in English, then names the target.</summary>
    internal static void Prepare(ProcessStartInfo start, PgTarget? target)
    {
        var environment = start.Environment;
        foreach (var name in environment.Keys.Where(name => name.StartsWith("PG", StringComparison.OrdinalIgnoreCase)).ToList())
        {
            environment.Remove(name);
        }

        // LC_ALL would override LC_MESSAGES; what it said about the encoding is kept.
        var encoding = EncodingVariables
            .Select(name => environment.TryGetValue(name, out var value) ? value : null)
            .FirstOrDefault(value => !string.IsNullOrEmpty(value));
        environment.Remove("LC_ALL");
        environment.Remove("LANGUAGE");
        environment["LC_CTYPE"] = encoding ?? "C.UTF-8";
        environment["LC_MESSAGES"] = "C";
        foreach (var (name, value) in target is null ? [] : PgTargetText.ToEnvironment(target))
        {
            environment[name] = value;
        }
    }
}
