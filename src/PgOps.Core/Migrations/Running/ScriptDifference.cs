using System.Globalization;
using System.Text;
using DiffPlex;
using DiffPlex.Model;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Running;

/// <summary>What became of a script since the history recorded it, as a unified diff.</summary>
internal static class ScriptDifference
{
    private const int Context = 3;

    /// <summary>The difference from the recorded script to the file's text; null when there is none, or nothing to compare.</summary>
    internal static string? Of(PgMigration migration, MigrationFolder folder, MigrationHistory history)
    {
        var file = folder.Scripts.FirstOrDefault(file => MigrationVersion.Order.Equals(file.Version, migration.Version));
        var row = history.Rows.GetValueOrDefault(migration.Version);

        // An undone one's record holds the down script, a mark of a baseline none.
        return file is null || row is null or { State: HistoryState.Reverted } or { Kind: MigrationKind.Baseline } or { Script: null }
            ? null
            : Between(
                SecretLiterals.Hide(row.Script),
                SecretLiterals.Hide(file.Text),
                string.Create(
                    CultureInfo.InvariantCulture, $"{row} ({HistoryWords.Of(row.State)} {row.StartedAt:yyyy-MM-dd HH:mm:ss} UTC)"),
                file.Path);
    }

    /// <summary>The unified diff of two texts; null when they are the same.</summary>
    internal static string? Between(string before, string after, string beforeName, string afterName)
    {
        if (before == after)
        {
            return null;
        }

        var diff = new Differ().CreateCustomDiffs(before, after, ignoreWhiteSpace: false, Lines);
        var text = new StringBuilder($"--- {beforeName}\n+++ {afterName}\n");
        for (var first = 0; first < diff.DiffBlocks.Count;)
        {
            // Blocks whose contexts touch share a hunk.
            var last = first;
            while (last + 1 < diff.DiffBlocks.Count
                && diff.DiffBlocks[last + 1].DeleteStartA - End(diff.DiffBlocks[last]) <= 2 * Context)
            {
                last++;
            }

            AppendHunk(text, diff, first, last);
            first = last + 1;
        }

        return text.ToString().TrimEnd('\n');
    }

    private static int End(DiffBlock block) => block.DeleteStartA + block.DeleteCountA;

    private static void AppendHunk(StringBuilder text, DiffResult diff, int first, int last)
    {
        var blocks = diff.DiffBlocks;
        var lead = Math.Min(Context, blocks[first].DeleteStartA);
        var tail = Math.Min(Context, diff.PiecesOld.Count - End(blocks[last]));
        var oldStart = blocks[first].DeleteStartA - lead;
        var newStart = blocks[first].InsertStartB - lead;
        var oldCount = End(blocks[last]) + tail - oldStart;
        var newCount = blocks[last].InsertStartB + blocks[last].InsertCountB + tail - newStart;
        text.Append(CultureInfo.InvariantCulture, $"@@ -{Range(oldStart, oldCount)} +{Range(newStart, newCount)} @@\n");
        var line = oldStart;
        for (var index = first; index <= last; index++)
        {
            Append(' ', diff.PiecesOld, line, blocks[index].DeleteStartA - line);
            Append('-', diff.PiecesOld, blocks[index].DeleteStartA, blocks[index].DeleteCountA);
            Append('+', diff.PiecesNew, blocks[index].InsertStartB, blocks[index].InsertCountB);
            line = End(blocks[index]);
        }

        Append(' ', diff.PiecesOld, line, tail);

        void Append(char mark, IReadOnlyList<string> lines, int start, int count)
        {
            foreach (var one in lines.Skip(start).Take(count))
            {
                text.Append(mark).Append(one).Append(one.EndsWith('\n') ? "" : "\n\\ No newline at end of file\n");
            }
        }
    }

    /// <summary>A range of lines as diff writes it: counted from 1, an empty one by the line before it.</summary>
    private static string Range(int start, int count) => string.Create(
        CultureInfo.InvariantCulture, $"{(count == 0 ? start : start + 1)}{(count == 1 ? "" : $",{count}")}");

    /// <summary>The lines, each with its end.</summary>
    private static string[] Lines(string text)
    {
        var lines = text.Split('\n');
        return lines.Take(lines.Length - 1).Select(line => line + "\n").Append(lines[^1]).Where(line => line.Length > 0).ToArray();
    }
}
