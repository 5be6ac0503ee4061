using System.Globalization;
using PgOps.Core.Common.Text;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations;

/// <summary>What a run would do.</summary>
/// <param name="All">How every migration stands.</param>
/// <param name="Pending">The migrations to run, oldest first.</param>
/// <param name="StillPending">How many more are pending beyond the version asked for.</param>
/// <param name="FromVersion">The newest version the database holds.</param>
internal sealed record MigrationPlan(
    IReadOnlyList<PgMigration> All, IReadOnlyList<MigrationScript> Pending, int StillPending, string? FromVersion)
{
    private const int ListLimit = 20;

    /// <summary>Decides what is to run, and refuses what must not be run.</summary>
    /// <exception cref="PgOpsException">The guard that speaks against it, with its way out.</exception>
    internal static MigrationPlan Make(
        MigrationRequest request, MigrationFolder folder, MigrationHistory history, bool hasObjects, IReadOnlyList<OtherHistory> others)
    {
        var all = MigrationStatus.Join(folder, history, request.Target);
        Refuse(request, all, folder.Order, history.NewestIn(folder));

        // What was undone tells as well as what is applied that the history has begun.
        var begun = history.Rows.Values.Any(
            row => row.IsApplied || row.IsUnfinished || !row.HasVersion || row.State == HistoryState.Reverted);
        if (history.Adoption is null && !begun && hasObjects && !request.AllowNotEmpty)
        {
            RefuseOther(request, others, "holds objects of its own, and another tool's migration history");
            throw new PgOpsException(
                PgErrorCode.BaselineRequired,
                $"{request.Target} holds objects of its own but no migration history.",
                "Nothing was touched.",
                "To adopt it as it is: Invoke-PgMigration -Baseline, which records the folder's migrations (up to -ToVersion) as "
                    + "already present and runs none. To run them all on top of what is there: -AllowNotEmpty.")
            { Subject = request.Target };
        }

        var byVersion = folder.Scripts.ToDictionary(file => file.Version, MigrationVersion.Order);
        var open = all.Where(migration => migration.State is not (PgMigrationState.Applied or PgMigrationState.Baselined)).ToList();
        var versioned = open.Where(migration => byVersion[migration.Version].Kind == MigrationKind.Versioned).ToList();
        var chosen = versioned.Where(migration => IsWithin(request, folder.Order, migration.Version)).ToList();
        if (chosen.Count == versioned.Count)
        {
            // Repeatables build upon the newest version: they wait while others wait.
            chosen.AddRange(open.Except(versioned));
        }

        var scripts = chosen.Select(migration => MigrationScript.Read(byVersion[migration.Version])).ToList();
        if (request.Seed && chosen.Count == open.Count)
        {
            scripts.AddRange(folder.Seeds
                .Where(seed => MigrationStatus.IsDue(seed, history.Rows.GetValueOrDefault(seed.Version)))
                .Select(MigrationScript.Read));
        }

        return new MigrationPlan(all, scripts, open.Count - chosen.Count, history.NewestIn(folder));
    }

    /// <summary>The versioned migrations of a folder up to the version asked for.</summary>
    internal static IEnumerable<MigrationFile> UpTo(MigrationRequest request, MigrationFolder folder)
        => folder.Files.Where(file => IsWithin(request, folder.Order, file.Version));

    /// <summary>Whether a version lies within the one asked for; the same one, spelled otherwise, does.</summary>
    private static bool IsWithin(MigrationRequest request, MigrationVersion order, string version)
        => request.ToVersion is null || order.Equals(version, request.ToVersion) || order.Compare(version, request.ToVersion) <= 0;

    /// <summary>Refuses to begin a history where another tool's stands.</summary>
    internal static void RefuseOther(MigrationRequest request, IReadOnlyList<OtherHistory> others, string what)
    {
        if (others.Count > 0)
        {
            throw new PgOpsException(
                PgErrorCode.ImportRequired,
                $"{request.Target} {what}: {string.Join(", ", others.Select(other => other.Name))}.",
                "Nothing was touched.",
                OtherHistory.Next(others))
            { Subject = request.Target };
        }
    }

    /// <summary>Refuses a version that no file and no record knows.</summary>
    internal static void RequireVersion(string? version, IEnumerable<PgMigration> all)
    {
        var known = all.Where(migration => char.IsAsciiDigit(migration.Version[0])).ToList();
        if (version is not null && !known.Exists(migration => MigrationVersion.Order.Equals(migration.Version, version)))
        {
            throw new PgOpsException(
                PgErrorCode.VersionNotFound,
                $"There is no migration of version '{version}'.",
                "Nothing was touched.",
                known.Count == 0
                    ? "The folder is empty: New-PgMigration writes a first migration."
                    : $"The versions go from {known[0].Version} to {known[^1].Version}.");
        }
    }

    private static void Refuse(MigrationRequest request, List<PgMigration> all, MigrationVersion order, string? newest)
    {
        RequireVersion(request.ToVersion, all);
        if (request.ToVersion is not null && newest is not null
            && !order.Equals(request.ToVersion, newest) && order.Compare(request.ToVersion, newest) < 0)
        {
            throw new PgOpsException(
                PgErrorCode.VersionNotFound,
                $"{request.Target} is at version {newest}, past the {request.ToVersion} that was asked for.",
                "Nothing was touched.",
                "To go back: Undo-PgMigration -ToVersion …, where the migrations have down scripts; "
                    + "else restore a proven backup beside it, or write a migration that undoes the change.");
        }

        RefuseState(
            all,
            PgMigrationState.Changed,
            PgErrorCode.MigrationChanged,
            "changed after being applied",
            "Put the applied text back (Get-PgMigration -Detailed has it as AppliedScript, and shows the Difference) "
                + "and make the change in a new migration; "
                + "or, when the difference is harmless, Repair-PgMigration -Version {0} -AcceptChange -Reason '…'.");
        RefuseState(
            all,
            PgMigrationState.Missing,
            PgErrorCode.MigrationMissing,
            "recorded, but the files are gone",
            "Bring the files back from version control (Get-PgMigration -Detailed has the text as AppliedScript); or, when they were "
                + "undone by hand or never got through, Repair-PgMigration -Version {0} -MarkNotApplied -Reason '…'.");
        if (!request.AllowOutOfOrder)
        {
            RefuseState(
                all,
                PgMigrationState.OutOfOrder,
                PgErrorCode.MigrationOutOfOrder,
                $"new, but of a lower version than {newest}, which is applied",
                Merge(all, order));
        }
    }

    /// <summary>What a merge of two branches did, told by the oldest newcomer, and the two ways on.</summary>
    private static string Merge(List<PgMigration> all, MigrationVersion order)
    {
        var newcomer = all.Find(migration => migration.State == PgMigrationState.OutOfOrder);
        if (newcomer is null)
        {
            return "";
        }

        var later = all.Where(migration => migration.State is PgMigrationState.Applied or PgMigrationState.Baselined
            && order.Compare(migration.Version, newcomer.Version) > 0).ToList();
        var names = NameList.InSentence(later.Select(migration => migration.AppliedAt is { } at
            ? string.Create(CultureInfo.InvariantCulture, $"{migration} ({at:yyyy-MM-dd HH:mm} UTC)")
            : migration.ToString()), 3);
        return $"Two branches met: {newcomer} arrived after {names} had been applied "
            + $"here. A new database would run {newcomer} before them, this one after them. If they touch the same objects, give the "
            + "newcomer a newer version (rename its file; where another database has it already, Repair-PgMigration there), so that every "
            + "database runs them in one order. If the order does not matter, run with -AllowOutOfOrder.";
    }

    private static void RefuseState(List<PgMigration> all, PgMigrationState state, PgErrorCode code, string what, string next)
    {
        var found = all.Where(migration => migration.State == state).ToList();
        if (found.Count > 0)
        {
            throw new PgOpsException(
                code,
                $"{found[0].Target}: {PgAmount.Of(found.Count, "migration")} "
                    + $"{what}:{NameList.Lines(found.Select(migration => migration.ToString()), ListLimit)}",
                "Nothing was touched.",
                next.Replace("{0}", found[0].Version, StringComparison.Ordinal))
            { Subject = found[0] };
        }
    }
}
