using System.Globalization;
using PgOps.Core.Common.Text;
using PgOps.Core.Postgres.Catalog;

namespace PgOps.Core.Restores;

/// <summary>Says in words what a restore would do.</summary>
internal static class RestorePreview
{
    /// <summary>The plan.</summary>
    internal static string Describe(RestoreDatabaseRequest request, PgTarget target, RestorePlan plan)
    {
        var tables = plan.Manifest.Tables;
        var known = request.Backup.Foreign
            ? "a dump that PgOps did not make"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{PgAmount.Of(tables.Count, "table")}, {PgAmount.Of(tables.Sum(table => table.Rows), "row")}");
        var compare = request.Backup.Foreign ? "count every table" : "compare every table";
        var (where, last) = request.IntoEmpty ? ($"into the empty {target}", "") : ("under a staging name", $", rename to {target}");
        return FormattableString.Invariant(
            $"Restore {request.Backup} ({request.Backup.Database} as of {request.Backup.SnapshotAt:u}, {known}) ")
            + $"with {plan.Tool.Name} {plan.Tool.Version} {where}, {compare}, "
            + $"{MaskPreview.Describe(request)}analyse{last}{Existing(request, target, plan)}{Changes(request, plan)}.";
    }

    private static string Existing(RestoreDatabaseRequest request, PgTarget target, RestorePlan plan)
        => plan.Existing is null or { IsEmpty: true }
            ? ""
            : $"; {target.Database} ({plan.Existing.Describe()}) is "
                + (request.DropOld ? "dropped afterwards" : $"kept as {DatabaseNames.Replaced(target.Database, DateTime.UtcNow)}");

    private static string Changes(RestoreDatabaseRequest request, RestorePlan plan)
        => (plan.MissingRoles.Count == 0 ? "" : $"; the roles {string.Join(", ", plan.MissingRoles)} are created without login")
            + (plan.Roles is null ? "" : $"; roles: {plan.Roles}")
            + (request.SkipExtension.Count == 0 ? "" : $"; without the extensions {string.Join(", ", request.SkipExtension)}")
            + (plan.Selection is { Along.Count: > 0 } along ? $"; needed and restored too: {NameList.Of(along.Along)}" : "")
            + (plan.Selection is { LeftOut.Count: > 0 } left ? $"; left out: {NameList.Of(left.LeftOut)}" : "");
}
