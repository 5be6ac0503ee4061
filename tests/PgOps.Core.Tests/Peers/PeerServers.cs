using PgOps.Core.ClientTools;

namespace PgOps.Core.Tests.Peers;

/// <summary>Every PostgreSQL of this machine and of the peers' folder: servers 13 to 18, and client tools.</summary>
internal static class PeerServers
{
    private static readonly Lazy<IReadOnlyList<PostgresInstallation>> Everything = new(Find);

    /// <summary>Every server, from the oldest release on; the same release once.</summary>
    internal static IReadOnlyList<PostgresInstallation> All { get; } =
        Everything.Value.Where(installation => installation.HasServer && installation.Major >= 13)
            .OrderBy(installation => installation.Major).ThenBy(Minor).DistinctBy(installation => installation.Version).ToList();

    /// <summary>The newest release of each major version.</summary>
    internal static IReadOnlyList<PostgresInstallation> Newest { get; } =
        All.GroupBy(installation => installation.Major).Select(group => group.Last()).ToList();

    /// <summary>The folders with client tools, from the oldest major version on.</summary>
    internal static IReadOnlyList<PostgresInstallation> Clients { get; } =
        Everything.Value.Where(installation => installation.Tools.Contains("pg_dump"))
            .OrderBy(installation => installation.Major).ThenBy(Minor)
            .GroupBy(installation => installation.Major).Select(group => group.Last()).ToList();

    /// <summary>Why not every major version from 13 to 18 can be tested; null when it can.</summary>
    internal static string? Missing()
    {
        var missing = Enumerable.Range(13, 6).Except(Newest.Select(server => server.Major)).Select(major => $"server {major}")
            .Concat(Clients.Any(client => client.Major >= 18) ? [] : ["client tools 18"]).ToList();
        return missing.Count == 0 ? null : $"PostgreSQL {string.Join(", ", missing)}: not here; tests/peers/get-peers.sh gets it.";
    }

    private static List<PostgresInstallation> Find()
    {
        var npm = Enumerable.Range(13, 6).Select(major => Path.Combine(Peer.NodeModules, $"pg{major}", "native", "bin"));
        var debian = new[] { "minor", "trixie/root", "sid/root" }
            .Select(part => Path.Combine(Peer.Folder, part, "usr", "lib", "postgresql"))
            .Where(Directory.Exists).SelectMany(Directory.GetDirectories).Select(folder => Path.Combine(folder, "bin"));
        // The installed ones, also where PGOPS_PG_BIN names another for the suites.
        var packaged = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Select(folder => Path.Combine(folder, "bin"))
            : [];
        return PostgresBinaries.List()
            .Concat(packaged.Concat(debian).Concat(npm).Where(Directory.Exists).SelectMany(PostgresBinaries.List))
            .DistinctBy(installation => installation.BinPath)
            .Select(Exactly)
            .ToList();
    }

    /// <summary>With the full version, which a folder's name does not tell.</summary>
    private static PostgresInstallation Exactly(PostgresInstallation installation)
        => installation.HasServer ? PostgresBinaries.Server(null, installation.BinPath) : installation;

    private static int Minor(PostgresInstallation installation)
        => installation.Version.Split('.') is [_, var minor, ..] && int.TryParse(minor, out var number) ? number : 0;
}

/// <summary>A theory that needs every major version of the server, and the newest client tools.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ServersTheoryAttribute() : PeerTheoryAttribute(Sandbox.PostgresAvailability.Missing ?? PeerServers.Missing());
