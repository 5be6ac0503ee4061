using System.Globalization;
using PgOps.Core.Common.Text;
using PgOps.Core.Migrations.Adoption;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Running;

/// <summary>Decides what is to be undone, and refuses what cannot be undone by script.</summary>
internal static class UndoPlan
{
    /// <summary>
    /// Leaves no migration, not even Diesel's 00000000000000, which is a version that one can go back to by its own name.
    /// </summary>
    private const string Everything = "0";

    /// <summary>The down scripts to run, newest first.</summary>
    /// <exception cref="PgOpsException">The guard that speaks against it, with its way out.</exception>
    internal static List<MigrationScript> Make(MigrationRequest request, MigrationFolder folder, MigrationHistory history)
    {
        var all = MigrationStatus.Join(folder, history, request.Target);
        if (request.ToVersion is not null and not Everything)
        {
            MigrationPlan.RequireVersion(request.ToVersion, all);
        }

        if (all.Find(migration => migration.State is PgMigrationState.Interrupted or PgMigrationState.Failed) is { } unfinished)
        {
            throw Refusal(
                PgErrorCode.MigrationInterrupted,
                unfinished,
                $"it is {unfinished.State}: some of its statements are done",
                "Let Invoke-PgMigration finish it first; or put it right by hand, and say so: "
                    + $"Repair-PgMigration -Version {unfinished.Version} -MarkNotApplied -Reason '…'.");
        }

        var applied = all
            .Where(migration => history.Rows.GetValueOrDefault(migration.Version) is { IsApplied: true, HasVersion: true })
            .OrderByDescending(migration => migration.Version, folder.Order);
        var chosen = request.ToVersion switch
        {
            null => applied.Take(1),
            Everything => applied,
            var version => applied.Where(migration => !folder.Order.Equals(migration.Version, version)
                && folder.Order.Compare(migration.Version, version) > 0),
        };
        var files = folder.Files.ToDictionary(file => file.Version, MigrationVersion.Order);
        var beside = AdoptedTool.Of(history)?.Mode == AdoptionMode.Beside;
        return chosen
            .Select(migration => Script(migration, request, folder.Shape, files.GetValueOrDefault(migration.Version), beside))
            .ToList();
    }

    /// <summary>What the tool has applied that PgOps works beside is PgOps' as well.</summary>
    private static MigrationScript Script(
        PgMigration migration, MigrationRequest request, MigrationShape shape, MigrationFile? file, bool beside)
    {
        switch (migration.State)
        {
            case PgMigrationState.Baselined when !beside:
                throw Refusal(
                    PgErrorCode.DownScriptMissing,
                    migration,
                    "it was there when the history began, and PgOps did not apply it",
                    "Write a migration that undoes the change, or restore a proven backup beside the database.");
            case PgMigrationState.Missing:
                throw Refusal(
                    PgErrorCode.MigrationMissing, migration, "its file is gone",
                    "Bring the file and its down script back from version control.");
            case PgMigrationState.Changed:
                throw Refusal(
                    PgErrorCode.MigrationChanged,
                    migration,
                    "its file was changed after it had been applied, so its down script may undo something else",
                    "Put the applied text back (Get-PgMigration -Detailed has it as AppliedScript); or, when the difference is harmless, "
                        + $"Repair-PgMigration -Version {migration.Version} -AcceptChange -Reason '…'.");
        }

        // To these tools an undo without a statement says that there is nothing to undo.
        var mayBeEmpty = shape is MigrationShape.Pairs or MigrationShape.Goose or MigrationShape.Dbmate or MigrationShape.SqlMigrate;
        if (file?.Down is null || MigrationScript.ReadUndo(file) is var script && script.Statements.Count == 0 && !mayBeEmpty)
        {
            throw Refusal(
                PgErrorCode.DownScriptMissing,
                migration,
                file?.Down is null ? "it has no down script" : $"its down script {file.Down.Path} holds no statement",
                "Write the down script in the manner of the folder, or restore a proven backup beside the database. When the change was "
                    + $"undone by hand: Repair-PgMigration -Version {migration.Version} -MarkNotApplied -Reason '…'.");
        }

        return script.Statements.FirstOrDefault(SqlStatementTraits.RefusesTransactionBlock) is not { } statement
            ? script
            : throw Refusal(
                PgErrorCode.MigrationScriptInvalid,
                migration,
                $"{file.Down.Path}:{script.ExcerptAt(statement.Offset).Line} ({string.Join(' ', statement.Keywords.Take(3))} …) "
                    + "cannot run in "
                    + "a transaction, and an undo that stops half-way leaves nobody knowing",
                $"Leave CONCURRENTLY and the like out of {(file.Down.Section is null ? "it" : "the section")}; or run it by hand and "
                    + $"record that: {ByHand(request.Target, file.Down, script)}; "
                    + $"Repair-PgMigration -Path {CommandText.Argument(request.Path)} -Version {migration.Version} -MarkNotApplied "
                    + "-Reason 'undone by hand'");
    }

    /// <summary>What runs a down script without PgOps: a file of its own, or the lines of a section.</summary>
    private static string ByHand(PgTarget target, MigrationFile down, MigrationScript script)
    {
        var psql = string.Create(
            CultureInfo.InvariantCulture,
            $"psql -X -v ON_ERROR_STOP=1 -h {CommandText.Argument(target.Host)} -p {target.Port} "
                + $"-U {CommandText.Argument(target.Username)} -d {CommandText.Argument(target.Database)}");
        if (down.Section is null)
        {
            return $"{psql} -f {CommandText.Argument(down.Path)}";
        }

        var first = script.ExcerptAt(script.Statements[0].Offset).Line;
        var last = script.Statements[^1];
        var end = script.ExcerptAt(last.Offset).Line + last.Text.Count(letter => letter == '\n');
        return string.Create(
            CultureInfo.InvariantCulture, $"(Get-Content -LiteralPath {CommandText.Argument(down.Path)})[{first - 1}..{end - 1}] | {psql}");
    }

    private static PgOpsException Refusal(PgErrorCode code, PgMigration migration, string why, string next) => new(
        code, $"{migration.Target}: {migration} cannot be undone: {why}.", "Nothing was touched.", next)
    { Subject = migration };
}
