using System.Text.RegularExpressions;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Postgres.Sandbox;

/// <summary>The postgresql.conf of a sandbox: tuned for speed, for nothing in it has to survive a crash.</summary>
internal static partial class SandboxSettings
{
    private static readonly HashSet<string> Reserved = new(StringComparer.OrdinalIgnoreCase)
    {
        "listen_addresses", "port", "unix_socket_directories", "unix_socket_permissions", "data_directory", "hba_file",
        "logging_collector", ClusterIdentity.SandboxSetting,
    };

    /// <summary>Composes the lines to append to the template's postgresql.conf.</summary>
    /// <param name="own">What the sandbox itself needs; the caller's settings cannot change these.</param>
    /// <param name="requested">The caller's settings.</param>
    /// <returns>One line for each setting.</returns>
    /// <exception cref="PgOpsException"><see cref="PgErrorCode.InvalidArgument"/> for a setting that is not one or is the sandbox's
    /// own.</exception>
    internal static IReadOnlyList<string> Compose(
        IReadOnlyDictionary<string, string> own, IReadOnlyDictionary<string, string> requested)
    {
        var settings = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            ["fsync"] = "off",
            ["synchronous_commit"] = "off",
            ["full_page_writes"] = "off",
            ["autovacuum"] = "off",
            ["jit"] = "off",
            ["max_wal_size"] = "8GB",
            ["checkpoint_timeout"] = "1h",
            ["log_checkpoints"] = "off",
            ["max_connections"] = "100",
            // Room for 100,000 tables and indexes: a comparison reads a whole database in one snapshot.
            ["max_locks_per_transaction"] = "1024",
            // More than this, and more maintenance_work_mem than its default, makes a restore here slower: sorts outgrow the CPU's caches.
            ["shared_buffers"] = "128MB",
            // Segments in files of the data directory: a container's /dev/shm has 64 MB, and a killed server leaves its segments
            // there (https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-DYNAMIC-SHARED-MEMORY-TYPE).
            ["dynamic_shared_memory_type"] = OperatingSystem.IsWindows() ? "windows" : "mmap",
        };
        if (!NeedsReplicationWal(requested))
        {
            settings["wal_level"] = "minimal";
            settings["max_wal_senders"] = "0";
        }

        foreach (var (name, value) in requested)
        {
            if (!SettingName().IsMatch(name) || value.AsSpan().IndexOfAny('\r', '\n', '\0') >= 0)
            {
                throw new PgOpsException(PgErrorCode.InvalidArgument, $"'{name}' is not a setting that postgresql.conf can hold.");
            }

            if (Reserved.Contains(name))
            {
                throw new PgOpsException(
                    PgErrorCode.InvalidArgument,
                    $"The setting {name} belongs to the sandbox: it keeps the server private.",
                    nextStep: "Leave it out, or run a server of your own.");
            }

            settings[name] = value;
        }

        foreach (var (name, value) in own)
        {
            settings[name] = value;
        }

        return settings.Select(setting => $"{setting.Key} = '{Escape(setting.Value)}'").ToList();
    }

    // wal_level=minimal excludes senders and archiving, so a caller who wants any of them gets the server's defaults instead.
    private static bool NeedsReplicationWal(IReadOnlyDictionary<string, string> requested) =>
        requested.Any(setting => setting.Key.ToLowerInvariant() switch
        {
            "wal_level" => !setting.Value.Equals("minimal", StringComparison.OrdinalIgnoreCase),
            "max_wal_senders" => setting.Value != "0",
            "archive_mode" => !setting.Value.Equals("off", StringComparison.OrdinalIgnoreCase),
            "summarize_wal" => !setting.Value.Equals("off", StringComparison.OrdinalIgnoreCase),
            _ => false,
        });

    private static string Escape(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal);

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z0-9_$]*(?:\.[A-Za-z_][A-Za-z0-9_$]*)?$")]
    private static partial Regex SettingName();
}
