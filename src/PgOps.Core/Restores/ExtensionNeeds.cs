using Npgsql;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Repository;
using PgOps.Core.Repository.Archives;
using PgOps.Core.Sql;

namespace PgOps.Core.Restores;

/// <summary>What extensions need of a server beyond their files, and what of their rows a copy does without (docs/extensions.md).</summary>
internal static class ExtensionNeeds
{
    /// <summary>pg_cron, which runs what stands in its table.</summary>
    internal const string Cron = "pg_cron";

    private static readonly string CronJobs = Quote.Qualified("cron", "job");

    // Those whose CREATE EXTENSION fails where the server has not loaded their library at its start.
    private static readonly string[] Preloaded = [Cron, "timescaledb", "citus", "pgaudit"];

    /// <summary>The extensions of a backup but for those that are left out.</summary>
    internal static IReadOnlyList<string> Wanted(PgDatabaseFacts facts, IReadOnlyCollection<string> skipped)
        => [.. facts.Extensions.Keys.Where(name => !skipped.Contains(name)).Order(StringComparer.Ordinal)];

    /// <summary>Tables and sequences, quoted, that are not filled: those of extensions that are left out, and jobs.</summary>
    /// <param name="facts">The source.</param>
    /// <param name="skipped">Extensions that are left out.</param>
    /// <param name="withJobs">Whether jobs are restored, which then run.</param>
    internal static IReadOnlySet<string> Unfilled(PgDatabaseFacts facts, IReadOnlyCollection<string> skipped, bool withJobs)
        => facts.ExtensionRelations.Where(one => skipped.Contains(one.Value)).Select(one => one.Key)
            .Concat(withJobs || !facts.Extensions.ContainsKey(Cron) ? [] : [CronJobs]).ToHashSet(StringComparer.Ordinal);

    /// <summary>What is said of jobs that are not restored; null where there are none.</summary>
    internal static PgCheck? WithheldJobs(PgBackup backup, IReadOnlyCollection<string> skipped)
    {
        var manifest = backup.Manifest!;
        var rows = manifest.Tables.FirstOrDefault(table => Quote.Qualified(table.Schema, table.Name) == CronJobs)?.Rows;
        return rows == 0 || skipped.Contains(Cron) || !manifest.Facts.Extensions.ContainsKey(Cron) ? null : PgCheck.Skip(
            PgCheckName.Jobs,
            $"{(rows is { } count ? PgAmount.Of(count, "job") : "the jobs")} of pg_cron not restored, for a copy must not run them: "
                + "-IncludeJob restores them as they were");
    }

    /// <summary>Settings of a sandbox that loads pg_cron: the database that may have it, and no job that runs.</summary>
    /// <param name="asked">The settings asked for; they win.</param>
    /// <param name="database">The copy's name.</param>
    internal static IReadOnlyDictionary<string, string> SandboxSettings(IReadOnlyDictionary<string, string> asked, string database)
    {
        var settings = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        if (Loads(asked.FirstOrDefault(one => one.Key.Equals("shared_preload_libraries", StringComparison.OrdinalIgnoreCase)).Value, Cron))
        {
            // Older releases do not know launch_active_jobs, and run none where none may run.
            settings["cron.database_name"] = database;
            settings["cron.launch_active_jobs"] = "off";
            settings["cron.max_running_jobs"] = "0";
        }

        foreach (var (name, value) in asked)
        {
            settings[name] = value;
        }

        return settings;
    }

    /// <summary>Looks whether the server of a restore can have the extensions, and what becomes of jobs.</summary>
    /// <param name="request">The restore.</param>
    /// <param name="session">A session on the server.</param>
    /// <param name="target">The final database.</param>
    /// <param name="part">The part that is restored, of which nobody knows what it needs; null for all.</param>
    /// <param name="checks">Receives the check of jobs.</param>
    /// <param name="missing">Receives what is missing.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task LookAsync(
        RestoreDatabaseRequest request,
        NpgsqlConnection session,
        PgTarget target,
        TocSelection? part,
        List<PgCheck> checks,
        List<string> missing,
        CancellationToken cancellationToken)
    {
        if (part is not null)
        {
            return;
        }

        var manifest = request.Backup.Manifest!;
        var (notLoaded, cronDatabase) = await LackingAsync(
            session, Wanted(manifest.Facts, request.SkipExtension), request.IntoEmpty ? target.Database : "", cancellationToken)
            .ConfigureAwait(false);
        if (notLoaded.Count > 0)
        {
            missing.Add($"extensions that the server must load at its start: {string.Join(", ", notLoaded)} (add them to "
                + "shared_preload_libraries and restart it, or use -SkipExtension)");
        }

        if (cronDatabase is not null)
        {
            missing.Add($"pg_cron can be created in the database {cronDatabase} alone, which cron.database_name names (restore into "
                + "that one, empty, with -IntoEmpty, or use -SkipExtension pg_cron)");
        }

        if (request.IncludeJobs || WithheldJobs(request.Backup, request.SkipExtension) is not { } jobs)
        {
            return;
        }

        if (DumpFormat.IsScript(manifest.Payload.Format))
        {
            missing.Add("a way to leave the jobs of pg_cron out, which a copy would run: the dump is a script (-IncludeJob restores them "
                + "as they were)");
        }
        else
        {
            checks.Add(jobs);
        }
    }

    /// <summary>What the server lacks for the extensions of a backup, with the way out; null when nothing is known to be missing.</summary>
    /// <param name="session">A session on the server.</param>
    /// <param name="wanted">The extensions.</param>
    /// <param name="database">The database that is filled.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task<(IReadOnlyList<string> NotLoaded, string? CronDatabase)> LackingAsync(
        NpgsqlConnection session, IReadOnlyList<string> wanted, string database, CancellationToken cancellationToken)
    {
        // Without a row the role may not see the setting.
        var settings = (await session.QueryAsync(
            "SELECT name, setting FROM pg_catalog.pg_settings WHERE name IN ('shared_preload_libraries', 'cron.database_name')",
            row => (Name: row.GetString(0), Value: row.GetString(1)),
            cancellationToken).ConfigureAwait(false)).ToDictionary(one => one.Name, one => one.Value);
        IReadOnlyList<string> notLoaded = settings.TryGetValue("shared_preload_libraries", out var libraries)
            ? [.. wanted.Where(name => Preloaded.Contains(name) && !Loads(libraries, name))]
            : [];
        var cron = wanted.Contains(Cron) && !notLoaded.Contains(Cron) ? settings.GetValueOrDefault("cron.database_name") : null;
        return (notLoaded, cron == database ? null : cron);
    }

    private static bool Loads(string? libraries, string name)
        => libraries?.Split(',').Any(one => one.Trim(' ', '"', '\'').Split('/')[^1] == name) == true;
}
