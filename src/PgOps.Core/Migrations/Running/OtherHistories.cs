using Npgsql;
using PgOps.Core.Migrations.Adoption;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Running;

/// <summary>The guards against running or recording what another tool's history, of which PgOps' has nothing, knows to be there.</summary>
internal static class OtherHistories
{
    /// <summary>
    /// Refuses a baseline where another tool's history knows what is present: one of everything, and one behind which what that tool has
    /// applied would run again.
    /// </summary>
    internal static async Task RequireNoneAsync(
        MigrationRequest request,
        MigrationFolder folder,
        MigrationHistory history,
        NpgsqlConnection connection,
        CancellationToken cancellationToken)
    {
        var others = await FindAsync(request, history, connection, cancellationToken).ConfigureAwait(false);
        // A version that a person names is believed, but not beside a tool that goes on by itself.
        MigrationPlan.RefuseOther(
            request,
            [.. others.Where(other => request.ToVersion is null || other.Tool.Tool is null).Select(other => other.Tool.In(other.Table))],
            "has another tool's migration history, which knows what is present");

        await RefuseTwiceAsync(
            request, folder.Files.Except(MigrationPlan.UpTo(request, folder)), others, connection, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Refuses to run what another tool has applied.</summary>
    internal static async Task RefuseTwiceAsync(
        MigrationRequest request,
        IEnumerable<MigrationFile> files,
        IReadOnlyList<(ForeignTool Tool, ForeignTable Table)> others,
        NpgsqlConnection connection,
        CancellationToken cancellationToken)
    {
        foreach (var (tool, table) in others)
        {
            var entries = await tool.ReadAsync(connection, table, cancellationToken).ConfigureAwait(false);
            var keys = entries.Where(entry => !entry.Failed && !entry.IsMark).Select(entry => entry.Key).ToHashSet(tool.KeyOrder);
            if (files.FirstOrDefault(file => keys.Contains(tool.KeyOf(file))) is { } twice)
            {
                MigrationPlan.RefuseOther(
                    request, [tool.In(table)], $"would get {twice} a second time, which another tool has applied");
            }
        }
    }

    /// <summary>Other tools' histories, where PgOps has none.</summary>
    internal static async Task<List<(ForeignTool Tool, ForeignTable Table)>> FindAsync(
        MigrationRequest request, MigrationHistory history, NpgsqlConnection connection, CancellationToken cancellationToken)
        => history.Adoption is not null || history.Rows.Values.Any(row => row.IsApplied || row.IsUnfinished)
            ? []
            : await ForeignTableSearch.AllAsync(
                connection, request.SchemaAlone ? request.HistorySchema : request.Target.Schema, cancellationToken).ConfigureAwait(false);
}
