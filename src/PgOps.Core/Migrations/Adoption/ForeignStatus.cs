using Npgsql;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>How a folder and another tool's history stand to each other, told and not judged.</summary>
internal static class ForeignStatus
{
    /// <summary>
    /// Every migration of the folder or of the other tool's history, by that tool's word; null when the database holds no other history.
    /// Where it holds more than one, so that nobody knows which one is the folder's, that is the remark on each.
    /// </summary>
    internal static async Task<List<PgMigration>?> ReadAsync(
        MigrationRequest request,
        MigrationFolder folder,
        List<PgMigration> own,
        NpgsqlConnection connection,
        CancellationToken cancellationToken)
    {
        var found = await ForeignTableSearch.AllAsync(connection, request.Target.Schema, cancellationToken).ConfigureAwait(false);
        if (found.Count > 1)
        {
            // A database that went from Prisma 7 to 8 has both; which one the folder is of, the folder tells.
            var operations = folder.Files.Any(file => file.Operations is not null);
            found.RemoveAll(pair => pair.Tool is PrismaContractHistory != operations);
        }

        if (found.Count > 1)
        {
            var histories = string.Join(", ", found.Select(pair => $"{pair.Tool.Title} ({pair.Table})"));
            return own.ConvertAll(migration => migration with
            {
                Remark = migration.Remark ?? $"PgOps has no history here, and cannot tell which one is this folder's: {histories}.",
            });
        }

        return found is [var (tool, table)]
            ? Join(request, folder, tool, table, await tool.ReadAsync(connection, table, cancellationToken).ConfigureAwait(false))
            : null;
    }

    /// <summary>
    /// The status by PgOps' own history with what the tool says otherwise that the history was imported from: as it will be recorded
    /// where both go on, as a remark where PgOps is alone.
    /// </summary>
    internal static async Task<List<PgMigration>> CompareAsync(
        MigrationRequest request,
        MigrationFolder folder,
        MigrationHistory history,
        List<PgMigration> own,
        NpgsqlConnection connection,
        CancellationToken cancellationToken)
    {
        if (AdoptedTool.Of(history) is not { } adopted
            || await ForeignTableSearch.FindAsync(connection, adopted.TableName, cancellationToken).ConfigureAwait(false) is not { } table)
        {
            return own;
        }

        var entries = await adopted.Tool.ReadAsync(connection, table, cancellationToken).ConfigureAwait(false);
        var beside = adopted.Mode == AdoptionMode.Beside;
        var theirs = Join(request, folder, adopted.Tool, table, entries)
            .ToDictionary(migration => migration.Version, MigrationVersion.Order);
        var undone = adopted.Undone(folder, history, entries).Where(file => beside || adopted.Held(folder, file))
            .ToDictionary(file => file.Version, MigrationVersion.Order);
        var newest = history.NewestVersion;
        var result = own.ConvertAll(migration => theirs.Remove(migration.Version, out var other) && IsNew(migration, other)
            ? migration with
            {
                State = beside && other.State != PgMigrationState.Failed ? PgMigrationState.Baselined : migration.State,
                AppliedAt = other.AppliedAt,
                RecordedBy = other.RecordedBy,
                Remark = other.State == PgMigrationState.Failed ? other.Remark
                    : beside ? $"Applied by {adopted.Tool.Title}; the next run records that."
                    : $"Applied by {adopted.Tool.Title} since PgOps took over: Import-PgMigrationHistory -Update.",
            }
            : !undone.TryGetValue(migration.Version, out var file) ? migration
            : migration with
            {
                State = beside && adopted.MayHaveUndone(file) ? PgMigrationState.Pending : migration.State,
                AppliedAt = beside && adopted.MayHaveUndone(file) ? null : migration.AppliedAt,
                Remark = beside
                    ? adopted.MayHaveUndone(file) ? $"Undone by {adopted.Tool.Title}; the next run records that."
                        : $"Missing in {adopted.Tool.Title}'s table: Import-PgMigrationHistory -Update."
                    : $"Undone by {adopted.Tool.Title} since PgOps took over: Import-PgMigrationHistory -Update.",
            });
        result.AddRange(theirs.Values.Where(migration => migration.State == PgMigrationState.Missing));
        return result;

        bool IsNew(PgMigration migration, PgMigration other)
            => migration.State is PgMigrationState.Pending or PgMigrationState.OutOfOrder
                && other.State is PgMigrationState.Applied or PgMigrationState.Changed or PgMigrationState.Failed
                && (!adopted.Tool.KeepsNewestOnly || newest is null || MigrationVersion.Order.Compare(migration.Version, newest) > 0);
    }

    private static List<PgMigration> Join(
        MigrationRequest request, MigrationFolder folder, ForeignTool tool, ForeignTable table, IReadOnlyList<ForeignMigration> entries)
    {
        var byKey = entries.GroupBy(entry => entry.Key, tool.KeyOrder).ToDictionary(same => same.Key, same => same.Last(), tool.KeyOrder);
        var covered = entries.Where(entry => entry.CoversLower && !entry.Failed)
            .Select(entry => ImportPlan.LastCovered(folder, tool, entry)).Max(MigrationVersion.Order);
        var result = new List<PgMigration>();
        foreach (var file in folder.Files.Concat(folder.Repeatables))
        {
            byKey.Remove(tool.KeyOf(file), out var entry);
            var (state, remark) = Judge(file, entry);
            result.Add(new PgMigration
            {
                Version = file.Version,
                Name = file.Name,
                State = state,
                Path = file.Path,
                Checksum = file.Checksum,
                AppliedAt = entry is { Failed: false } ? entry.AppliedAt : null,
                RecordedBy = $"{tool.Title} ({table})",
                Remark = remark,
                Target = request.Target,
            });
        }

        result.AddRange(byKey.Values.Select(entry => new PgMigration
        {
            Version = entry.Key,
            Name = entry.Title,
            State = entry.Failed ? PgMigrationState.Failed : entry.IsMark ? PgMigrationState.Baselined : PgMigrationState.Missing,
            AppliedAt = entry.AppliedAt,
            RecordedBy = $"{tool.Title} ({table})",
            Remark = entry.Failed ? $"{tool.Title} records it as failed or unfinished. {tool.WayOut}"
                : entry.IsMark ? $"A mark of {tool.Title}'s."
                : $"Applied by {tool.Title}, but the folder has no file for it.",
            Target = request.Target,
        }));
        return result;

        (PgMigrationState State, string Remark) Judge(MigrationFile file, ForeignMigration? entry) => entry switch
        {
            { Failed: true } => (PgMigrationState.Failed, $"{tool.Title} records it as failed or unfinished. {tool.WayOut}"),
            { Checksum: { } checksum } when tool.Checksums(File.ReadAllBytes(file.Path)) is { } own && !own.Contains(checksum) =>
                entry.Repeatable
                    ? (PgMigrationState.RepeatableDue, $"It was changed after {tool.Title} had applied it.")
                    : (PgMigrationState.Changed, $"The file was changed after {tool.Title} had applied it."),
            not null => (PgMigrationState.Applied, $"Applied by {tool.Title}."),
            _ when file.Kind == MigrationKind.Repeatable => (PgMigrationState.RepeatableDue, $"{tool.Title} has not applied it."),
            _ when covered is not null && MigrationVersion.Order.Compare(file.Version, covered) <= 0 =>
                (PgMigrationState.Applied, $"Applied by the word of {tool.Title}, which is at {covered}."),
            _ => (PgMigrationState.Pending, $"{tool.Title} has not applied it."),
        };
    }
}
