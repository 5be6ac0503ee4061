using System.Globalization;
using PgOps.Core.Common.Text;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>Holds another tool's entries against the folder, and refuses what does not fit.</summary>
internal static class ImportPlan
{
    private const int ListLimit = 20;

    /// <summary>What begins the reason of every imported row.</summary>
    internal const string ReasonPrefix = "imported from ";

    /// <summary>Decides what is recorded, oldest version first; where there is a history already, what that lacks.</summary>
    /// <exception cref="PgOpsException">
    /// MigrationFailed, MigrationMissing or MigrationChanged, with every entry that is in the way.
    /// </exception>
    internal static IReadOnlyList<ImportedMigration> Make(
        ImportRequest request,
        MigrationFolder folder,
        ForeignTool tool,
        ForeignTable table,
        IReadOnlyList<ForeignMigration> entries,
        MigrationHistory? history = null)
    {
        var target = request.Migrations.Target;
        Refuse(
            entries.Where(entry => entry.Failed).Select(entry => entry.Title),
            PgErrorCode.MigrationFailed,
            $"{target}: {tool.Title} records as failed or unfinished",
            tool.WayOut + " Then run the command again.");
        var files = new Dictionary<string, MigrationFile>(tool.KeyOrder);
        foreach (var file in folder.Files.Concat(folder.Repeatables).Where(file => !files.TryAdd(tool.KeyOf(file), file)))
        {
            throw new PgOpsException(
                PgErrorCode.MigrationSourceInvalid,
                $"'{folder.Path}': {files[tool.KeyOf(file)]} and {file} are one migration to {tool.Title}.",
                "Nothing was touched.",
                "Rename one of them.");
        }

        var skipped = new ImportSkips(request, tool, entries, files);
        var command = history is null ? "" : "Import-PgMigrationHistory -Update ";
        var missing = entries.Where(entry => !entry.IsMark && !files.ContainsKey(entry.Key) && !skipped.Holds(entry.Key)
            && history?.Rows.GetValueOrDefault(ImportSkips.Absent(entry).Version) is not { IsApplied: true }).ToList();
        Refuse(
            missing.Select(entry => entry.Title),
            PgErrorCode.MigrationMissing,
            $"{target}: applied by {tool.Title}, but without a file in '{folder.Path}'",
            "Give -Path the folder that this database was migrated from, or bring the files back from version control under their names. "
                + $"Where they are gone for good: {command}{ImportSkips.Command(missing.Select(entry => entry.Key))}.");
        Refuse(
            folder.Files.Select(file => (File: file, Objection: tool.Objection(file))).Where(pair => pair.Objection is not null)
                .Select(pair => $"{Path.GetFileName(pair.File.Path)} {pair.Objection}"),
            PgErrorCode.MigrationSourceInvalid,
            $"'{folder.Path}' cannot go on under PgOps as it is",
            "Correct the files and run the command again.");
        var rows = Compare(request, folder, tool, table, entries, files, skipped, history);
        var programs = rows.Where(row => row.File.Language is not null && !skipped.Holds(tool.KeyOf(row.File))).ToList();
        Refuse(
            programs.Select(row => $"{Path.GetFileName(row.File.Path)} ({row.File.Language})"),
            PgErrorCode.MigrationSourceInvalid,
            $"{target}: applied by {tool.Title}, but programs, which PgOps cannot run on another database",
            $"Write them again in SQL, as files of the same versions; "
                + $"or {command}{ImportSkips.Command(programs.Select(row => row.File.Version))}.");
        return rows;
    }

    /// <summary>What the reason of an imported row begins with.</summary>
    internal static string Origin(ForeignTool tool, ForeignTable table) => Origin(tool, table.Name);

    /// <inheritdoc cref="Origin(ForeignTool, ForeignTable)"/>
    internal static string Origin(ForeignTool tool, string table) => $"{ReasonPrefix}{tool.Title} ({table})";

    /// <summary>The last version for which an entry stands that covers the lower ones.</summary>
    internal static string LastCovered(MigrationFolder folder, ForeignTool tool, ForeignMigration entry)
        => folder.Files.FirstOrDefault(file => tool.KeyOrder.Equals(tool.KeyOf(file), entry.Key))?.Version ?? entry.Key;

    private static List<ImportedMigration> Compare(
        ImportRequest request,
        MigrationFolder folder,
        ForeignTool tool,
        ForeignTable table,
        IReadOnlyList<ForeignMigration> entries,
        Dictionary<string, MigrationFile> files,
        ImportSkips skipped,
        MigrationHistory? history)
    {
        var origin = Origin(tool, table);
        var differences = new List<string>();
        var rows = new Dictionary<string, ImportedMigration>(MigrationVersion.Order);
        foreach (var entry in entries.Where(entry => files.ContainsKey(entry.Key) || skipped.Holds(entry.Key)))
        {
            var file = files.GetValueOrDefault(entry.Key) ?? ImportSkips.Absent(entry);
            if (history?.Rows.GetValueOrDefault(file.Version) is { IsApplied: true } known
                && (known.HasVersion || known.Checksum == file.Checksum))
            {
                continue;
            }

            var reason = origin + (entry.AppliedAt is { } at ? $"; applied {at.ToString("u", CultureInfo.InvariantCulture)}" : "");
            if (skipped.Holds(entry.Key))
            {
                reason += $"; skipped: {request.SkipReason}";
            }
            else if (file.Language is null && entry.Checksum is not null && tool.Checksums(File.ReadAllBytes(file.Path)) is { } own
                && !own.Contains(entry.Checksum))
            {
                if (entry.Repeatable)
                {
                    continue;
                }

                differences.Add($"{entry.Title} (applied {entry.Checksum}, file {own[0]})");
                reason += $"; the file differs from what was applied ({entry.Checksum}), accepted with -AcceptChange";
            }

            rows[file.Version] = new ImportedMigration(file, entry.AppliedAt, reason);
        }

        if (!request.AcceptChange)
        {
            Refuse(
                differences,
                PgErrorCode.MigrationChanged,
                $"{request.Migrations.Target}: changed after {tool.Title} had applied them",
                "Put the applied text back and make the change in a new migration; "
                    + "or, when the differences are harmless, "
                    + $"Import-PgMigrationHistory {(history is null ? "" : "-Update ")}-AcceptChange, which the history will say.");
        }

        foreach (var entry in entries.Where(entry => entry.CoversLower))
        {
            // What is new below the newest that PgOps has is a file that came later, which neither tool has run.
            var last = LastCovered(folder, tool, entry);
            foreach (var file in folder.Files.Where(file => MigrationVersion.Order.Compare(file.Version, last) <= 0
                && (history?.NewestVersion is not { } newest || MigrationVersion.Order.Compare(file.Version, newest) > 0)))
            {
                var note = skipped.Holds(tool.KeyOf(file)) ? $"; skipped: {request.SkipReason}" : "";
                rows.TryAdd(file.Version, new ImportedMigration(file, null, $"{origin}; covered by {entry.Title}{note}"));
            }
        }

        return [.. rows.Values.OrderBy(row => row.File.Version, folder.Order)];
    }

    private static void Refuse(IEnumerable<string> names, PgErrorCode code, string what, string next)
    {
        var found = names.ToList();
        if (found.Count > 0)
        {
            throw new PgOpsException(code, $"{what}:{NameList.Lines(found, ListLimit)}", "Nothing was touched.", next);
        }
    }
}
