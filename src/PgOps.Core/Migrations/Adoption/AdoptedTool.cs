using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Text;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>The tool that a history was imported from, as the history's row of the adoption tells.</summary>
/// <param name="Tool">The tool.</param>
/// <param name="TableName">Its table, qualified and quoted.</param>
/// <param name="Mode">How the two go on.</param>
/// <param name="Entries">What its table said at the time, a line for each entry.</param>
internal sealed record AdoptedTool(ForeignTool Tool, string TableName, AdoptionMode Mode, string Entries)
{
    private const char Separator = '\t';

    /// <summary>The row of a history; null when that was not imported.</summary>
    internal static AdoptedTool? Of(MigrationHistory history)
    {
        if (history.Adoption is not { Reason: { } reason } row)
        {
            return null;
        }

        var origin = reason[ImportPlan.ReasonPrefix.Length..];
        var tool = ForeignTableSearch.Tools.First(tool => origin.StartsWith($"{tool.Title} (", StringComparison.Ordinal));
        return new AdoptedTool(
            tool, origin[(tool.Title.Length + 2)..^1], HistoryWords.Parse<AdoptionMode>(row.Name), row.Script ?? "");
    }

    /// <summary>The row that says it.</summary>
    internal static HistoryEntry Entry(
        ForeignTool tool, string table, AdoptionMode mode, IEnumerable<ForeignMigration> entries)
    {
        var text = string.Join('\n', entries.Select(Line).Order(StringComparer.Ordinal));
        return new HistoryEntry
        {
            Version = MigrationHistory.AdoptionVersion,
            Name = HistoryWords.Of(mode),
            Kind = MigrationKind.Adoption,
            Checksum = Hex.Of(SHA256.HashData(Encoding.UTF8.GetBytes(text))),
            Script = text,
            State = HistoryState.Resolved,
            Reason = ImportPlan.Origin(tool, table),
        };
    }

    /// <summary>The rows that bring the history up to what the other tool did meanwhile; none when that was nothing.</summary>
    /// <exception cref="PgOpsException">
    /// HistoriesDiverged: the tool went on although PgOps had taken over, or lacks what it cannot have undone; and the refusals of
    /// <see cref="ImportPlan"/>.
    /// </exception>
    internal IReadOnlyList<HistoryEntry> News(
        MigrationRequest request,
        MigrationFolder folder,
        MigrationHistory history,
        ForeignTable table,
        IReadOnlyList<ForeignMigration> entries)
    {
        if (Mode == AdoptionMode.Moved)
        {
            return Changes(entries) is { Count: > 0 } changes ? throw Moved(request, changes) : [];
        }

        var applied = ImportPlan.Make(new ImportRequest { Migrations = request }, folder, Tool, table, entries, history);
        var undone = Undone(folder, history, entries);
        if (undone.Find(file => !MayHaveUndone(file)) is { } lost)
        {
            throw new PgOpsException(
                PgErrorCode.HistoriesDiverged,
                $"{request.Target}: {lost} is applied by PgOps' history, but {Tool.Title}'s table {table} does not say so"
                    + (Tool.Undoes ? ", and it has no down script by which it was undone." : $", and {Tool.Title} undoes nothing."),
                "Nothing was touched.",
                "If the database holds it: Import-PgMigrationHistory -Update, which writes the missing row. If it was undone by hand: "
                    + $"Repair-PgMigration -Version {lost.Version} -MarkNotApplied -Reason '…'.")
            { Subject = request.Target };
        }

        return [.. applied.Select(row => row.Entry), .. undone.Select(file => Reverted(file, table))];
    }

    /// <summary>The row of a migration that the other tool has undone.</summary>
    internal HistoryEntry Reverted(MigrationFile file, ForeignTable table) => new()
    {
        Version = file.Version,
        Name = file.Name,
        Kind = file.Kind,
        Checksum = file.Checksum,
        Script = "",
        State = HistoryState.Reverted,
        Reason = $"undone by {Tool.Title} ({table})",
    };

    /// <summary>The migrations that PgOps has as applied and the other tool has not, newest first.</summary>
    internal List<MigrationFile> Undone(MigrationFolder folder, MigrationHistory history, IReadOnlyList<ForeignMigration> entries)
    {
        var keys = entries.Select(entry => entry.Key).ToHashSet(Tool.KeyOrder);
        var covered = entries.Where(entry => entry.CoversLower).Select(entry => ImportPlan.LastCovered(folder, Tool, entry))
            .Max(MigrationVersion.Order);
        return folder.Files
            .Where(file => history.Rows.GetValueOrDefault(file.Version) is { IsApplied: true, Kind: MigrationKind.Versioned }
                && !keys.Contains(Tool.KeyOf(file))
                && (covered is null || MigrationVersion.Order.Compare(file.Version, covered) > 0))
            .OrderByDescending(file => file.Version, MigrationVersion.Order).ToList();
    }

    /// <summary>Whether the tool itself can have undone a migration whose entry is gone.</summary>
    internal bool MayHaveUndone(MigrationFile file) => Tool.Undoes && file.Down is not null;

    /// <summary>Whether the table held the entry of a file when it was last looked at.</summary>
    internal bool Held(MigrationFolder folder, MigrationFile file)
    {
        var keys = Entries.Split('\n').Select(line => line.Split(Separator)[0]).Where(key => key.Length > 0).ToList();
        return keys.Contains(Tool.KeyOf(file), Tool.KeyOrder)
            || (Tool.KeepsNewestOnly && keys.Exists(key => MigrationVersion.Order.Compare(file.Version, key) <= 0));
    }

    /// <summary>What the table says now that it did not say then, and the other way round, in words.</summary>
    private List<string> Changes(IReadOnlyList<ForeignMigration> entries)
    {
        var before = Entries.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var now = entries.Select(entry => entry.Key).ToHashSet(StringComparer.Ordinal);
        return [.. entries.Where(entry => !before.Contains(Line(entry))).Select(entry => $"new: {entry.Title}"
                + (entry.Failed ? ", which failed" : "")
                + (entry.AppliedAt is { } at ? string.Create(CultureInfo.InvariantCulture, $" ({at:yyyy-MM-dd HH:mm} UTC)") : "")),
            .. before.Select(line => line.Split(Separator)[0]).Where(key => !now.Contains(key)).Select(key => $"gone: {key}")];
    }

    private PgOpsException Moved(MigrationRequest request, List<string> changes) => new(
        PgErrorCode.HistoriesDiverged,
        $"{request.Target}: PgOps took over from {Tool.Title}, but {Tool.Title}'s table {TableName} has changed since:"
            + NameList.Lines(changes, 20),
        "Nothing was touched.",
        $"Import-PgMigrationHistory -Update takes in what {Tool.Title} did; then see that nobody runs {Tool.Title} here any more"
            + (Tool.WorksBeside ? ". To let both go on: Import-PgMigrationHistory -Update -Beside." : "."))
    { Subject = request.Target };

    /// <summary>An entry in one line.</summary>
    internal static string Line(ForeignMigration entry)
        => string.Join(Separator, entry.Key, entry.Checksum, entry.Failed ? "failed" : "applied");
}
