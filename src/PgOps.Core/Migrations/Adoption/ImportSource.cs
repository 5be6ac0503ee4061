using Npgsql;
using PgOps.Core.Migrations.History;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>What an import reads, and how PgOps and the tool go on after it.</summary>
/// <param name="Tool">The tool.</param>
/// <param name="Table">Its table; null when it is gone, and PgOps goes on alone.</param>
/// <param name="Mode">How the two go on.</param>
/// <param name="Before">What an earlier import has said; null for the first.</param>
internal sealed record ImportSource(ForeignTool Tool, ForeignTable? Table, AdoptionMode Mode, AdoptedTool? Before)
{
    /// <summary>The table's qualified name.</summary>
    internal string TableName => Table?.Name ?? Before!.TableName;

    /// <summary>Finds it.</summary>
    /// <exception cref="PgOpsException">
    /// InvalidArgument: the history does not fit the request, there is no such table, or PgOps cannot work beside the tool.
    /// </exception>
    internal static async Task<ImportSource> FindAsync(
        ImportRequest request, MigrationHistory history, NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var before = RequireHistory(request, history);
        var (tool, table) = before is null || request.From is not null || request.Table is not null
            ? await ForeignTableSearch.FindAsync(request, connection, cancellationToken).ConfigureAwait(false)
            : (before.Tool,
                await ForeignTableSearch.FindAsync(connection, before.TableName, cancellationToken).ConfigureAwait(false));
        var beside = request.Beside ?? before?.Mode == AdoptionMode.Beside;
        if (beside && !tool.WorksBeside)
        {
            throw Refusal(
                request,
                $"PgOps cannot work beside {tool.Title}: it does not write {tool.Title}'s table.",
                "Leave -Beside out, and let PgOps go on alone. It works beside "
                    + $"{string.Join(", ", ForeignTableSearch.Tools.Where(other => other.WorksBeside).Select(other => other.Title))}.");
        }

        return table is not null || (before!.Mode == AdoptionMode.Beside && !beside)
            ? new ImportSource(tool, table, beside ? AdoptionMode.Beside : AdoptionMode.Moved, before)
            : throw Refusal(
                request,
                $"{tool.Title}'s table {before!.TableName} is gone, so there is nothing to take in.",
                before.Mode == AdoptionMode.Beside
                    ? "Bring the table back; or, when PgOps is to go on alone: Import-PgMigrationHistory -Update -Beside:$false."
                    : "Invoke-PgMigration goes on without it.");
    }

    /// <summary>What the tool's table says now.</summary>
    internal async Task<IReadOnlyList<ForeignMigration>> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
        => Table is null ? [] : await Tool.ReadAsync(connection, Table, cancellationToken).ConfigureAwait(false);

    private static AdoptedTool? RequireHistory(ImportRequest request, MigrationHistory history)
    {
        var adopted = AdoptedTool.Of(history);
        if (request.Update)
        {
            return adopted ?? throw Refusal(
                request,
                $"{request.Migrations.Target} has no history that was imported from another tool.",
                "Without -Update, Import-PgMigrationHistory begins a history with what another tool has applied.");
        }

        return !history.Rows.Values.Any(row => row.IsApplied || row.IsUnfinished) ? null : throw Refusal(
            request,
            $"{request.Migrations.Target} already has a PgOps history; its newest version is {history.NewestVersion ?? "unfinished"}.",
            adopted is not null
                ? $"To take in what {adopted.Tool.Title} did since: Import-PgMigrationHistory -Update."
                : "An import begins a history. To record a single migration as present: "
                    + "Repair-PgMigration -Version … -MarkApplied -Reason ….");
    }

    private static PgOpsException Refusal(ImportRequest request, string problem, string next)
        => new(PgErrorCode.InvalidArgument, problem, "Nothing was touched.", next) { Subject = request.Migrations.Target };
}
