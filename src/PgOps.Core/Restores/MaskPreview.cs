using PgOps.Core.Restores.Masking;

namespace PgOps.Core.Restores;

/// <summary>Says what a restore would mask.</summary>
internal static class MaskPreview
{
    /// <summary>The part of the plan; empty without rules.</summary>
    internal static string Describe(RestoreDatabaseRequest request)
    {
        if (request.MaskRules.Count == 0)
        {
            return "";
        }

        var rows = request.Backup.Manifest!.Tables.ToDictionary(table => (table.Schema, table.Name), table => table.Rows);
        var rules = request.MaskRules.Select(rule => rows.TryGetValue((rule.Schema, rule.Table), out var count)
            && rule.Kind != MaskKind.Keep
            ? $"{rule} by {rule.Word} ({PgAmount.Of(count, "row")})"
            : $"{rule} by {rule.Word}");
        return $"mask {string.Join(", ", rules)} and the columns that refer to them, ";
    }
}
