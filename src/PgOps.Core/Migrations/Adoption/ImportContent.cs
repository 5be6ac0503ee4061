using Npgsql;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>What an import writes.</summary>
/// <param name="Applied">What PgOps' history gets as present.</param>
/// <param name="Undone">What it gets as undone by the other tool.</param>
/// <param name="Missing">What the other tool's table gets, where both go on, oldest first.</param>
internal sealed record ImportContent(
    IReadOnlyList<ImportedMigration> Applied, IReadOnlyList<MigrationFile> Undone, IReadOnlyList<MigrationFile> Missing)
{
    /// <summary>Decides it.</summary>
    /// <exception cref="PgOpsException">The refusals of <see cref="ImportPlan"/>.</exception>
    internal static ImportContent Make(
        ImportRequest request,
        MigrationFolder folder,
        ImportSource source,
        MigrationHistory history,
        IReadOnlyList<ForeignMigration> entries)
    {
        if (source.Table is not { } table)
        {
            return new ImportContent([], [], []);
        }

        var before = source.Before;
        var applied = ImportPlan.Make(request, folder, source.Tool, table, entries, before is null ? null : history);
        var lacking = before?.Undone(folder, history, entries) ?? [];

        // What the table never held was not undone there: PgOps has applied it.
        var undone = lacking.FindAll(file => before!.Mode == AdoptionMode.Moved
            ? before.Held(folder, file)
            : before.MayHaveUndone(file));
        return new ImportContent(
            applied, undone, source.Mode == AdoptionMode.Beside ? [.. lacking.Except(undone).Reverse()] : []);
    }

    /// <summary>Writes it, with the row that says how the two go on.</summary>
    internal async Task WriteAsync(
        ImportSource source,
        MigrationFolder folder,
        HistoryTable table,
        MigrationHistory history,
        NpgsqlConnection connection,
        CancellationToken cancellationToken)
    {
        var entries = Applied.Select(row => row.Entry).ToList();
        if (entries.Count == 0 && source.Before is null)
        {
            // A baseline of the other tool's below every file: the history begins, and all files are pending.
            entries.Add(HistoryEntry.BaselineMark() with { Reason = ImportPlan.Origin(source.Tool, source.TableName) });
        }

        var commands = new List<NpgsqlBatchCommand>();
        if (source.Table is { } foreign)
        {
            var record = new ForeignRecord(source.Tool, foreign, table, folder);
            entries.AddRange(Undone.Select(file => source.Before!.Reverted(file, foreign)));
            commands.AddRange(Missing.SelectMany(file => record.Add(file, history.Rows[file.Version].Id)));
        }

        commands.AddRange(entries.Select(entry => MigrationHistory.Append(table, entry)));
        await AdoptedTurn.WriteAsync(connection, commands, cancellationToken).ConfigureAwait(false);
        var now = await source.ReadAsync(connection, cancellationToken).ConfigureAwait(false);
        var said = AdoptedTool.Entry(source.Tool, source.TableName, source.Mode, now);
        if (history.Adoption is not { } last || (last.Name, last.Checksum, last.Reason) != (said.Name, said.Checksum, said.Reason))
        {
            await AdoptedTurn.WriteAsync(connection, [MigrationHistory.Append(table, said)], cancellationToken).ConfigureAwait(false);
        }
    }
}
