using System.Globalization;
using System.Text.Json;
using PgOps.Core.Common.Operations;
using PgOps.Core.Repository;

namespace PgOps.Core.Reports;

/// <summary>Reads what lies in files for an incident: the backups with their ledger, and the logs that <c>-LogPath</c> wrote.</summary>
internal static class IncidentFiles
{
    private static readonly string[] Quiet = ["Trace", "Debug"];

    /// <summary>Reads the backups and the ledger beside them.</summary>
    /// <exception cref="PgOpsException">PathNotFound; PathInaccessible.</exception>
    internal static async Task ReadBackupsAsync(
        WritePostmortemRequest request, string folder, IncidentEvidence evidence, ReportText text, IOperationSink sink,
        CancellationToken cancellationToken)
    {
        var database = request.Target?.Database;
        var backups = await new FindBackups().RunAsync(
            new FindBackupsRequest { Path = folder, Database = database is null ? null : name => name == database }, sink,
            cancellationToken).ConfigureAwait(false);
        var ids = backups.Select(backup => backup.Id).ToHashSet(StringComparer.Ordinal);
        var (lines, sound) = DrillLedger.ReadLines(folder);
        evidence.Sources.Add(text.Clean(string.Create(
            CultureInfo.InvariantCulture,
            $"{folder}: {PgAmount.Of(backups.Count, "backup")}, {PgAmount.Of(lines.Count, "drill")} in the ledger; {(sound == lines.Count ? "its chain of hashes holds" : $"**its chain of hashes breaks at line {sound + 1}: it was edited**")}.")));
        foreach (var backup in backups.Where(backup => request.Covers(backup.SnapshotAt)))
        {
            evidence.Events.Add(
                new IncidentEvent(backup.SnapshotAt, "backups", text.Clean($"Backup {backup.Id} of {backup.Database}: {backup.Path}")));
        }

        foreach (var line in lines.Take(sound))
        {
            using var json = JsonDocument.Parse(line);
            var drill = json.RootElement;
            var at = drill.GetProperty("startedAt").GetDateTime().ToUniversalTime();
            if (request.Covers(at) && (database is null || ids.Contains(drill.GetProperty("backupId").GetString()!)))
            {
                Take(drill, at, evidence, text);
            }
        }

        var before = backups.Where(backup => request.Until is null || backup.SnapshotAt <= request.Until.Value.UtcDateTime).ToList();
        if (before.Count == 0)
        {
            evidence.DataLoss.Add(text.Clean($"There was no backup{(database is null ? "" : $" of {database}")} in {folder}."));
        }

        foreach (var group in before.GroupBy(backup => backup.Database))
        {
            TakeNewest(group.Key, LatestBackup.Whole(group.Where(backup => backup.Proven), DateTime.UtcNow), evidence, text);
        }
    }

    /// <summary>Reads a log; lines that are none are counted.</summary>
    /// <exception cref="PgOpsException">PathInaccessible.</exception>
    internal static async Task ReadLogAsync(
        WritePostmortemRequest request, string path, IncidentEvidence evidence, ReportText text, CancellationToken cancellationToken)
    {
        var strange = 0;
        var taken = 0;
        try
        {
            await foreach (var line in File.ReadLinesAsync(path, cancellationToken).ConfigureAwait(false))
            {
                if (Parse(line) is not { } said)
                {
                    strange++;
                }
                else if (request.Covers(said.At) && !Quiet.Contains(said.Level))
                {
                    taken++;
                    var what = text.Clean($"{said.Command}: {said.Message}");
                    evidence.Events.Add(
                        new IncidentEvent(said.At, said.Level == "Information" ? "log" : $"log, {said.Level.ToLowerInvariant()}", what));
                    if (said.Level is "Error" or "Critical")
                    {
                        evidence.Failures.Add(what);
                    }
                }
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new PgOpsException(
                PgErrorCode.PathInaccessible, $"The log {path} cannot be read: {error.Message}", "Nothing was written.", null, error);
        }

        evidence.Sources.Add(text.Clean(string.Create(
            CultureInfo.InvariantCulture,
            $"{path}: {PgAmount.Of(taken, "line")}{(strange == 0 ? "" : $"; {PgAmount.Of(strange, "line")} not of PgOps' form left out")}.")));
    }

    private static void Take(JsonElement drill, DateTime at, IncidentEvidence evidence, ReportText text)
    {
        var passed = drill.GetProperty("passed").GetBoolean();
        var what = text.Clean(string.Create(
            CultureInfo.InvariantCulture,
            $"Restore drill of backup {drill.GetProperty("backupId").GetString()} of {drill.GetProperty("database").GetString()} on PostgreSQL {drill.GetProperty("serverVersion").GetString()}: {(passed ? "proven" : "not proven")} after {drill.GetProperty("recoverySeconds").GetDouble():0.0} s."));
        evidence.Events.Add(new IncidentEvent(at, "ledger", what));
        if (!passed)
        {
            evidence.Failures.Add(what);
        }
    }

    private static void TakeNewest(string database, PgBackup? proven, IncidentEvidence evidence, ReportText text)
    {
        evidence.DataLoss.Add(text.Clean(proven is null
            ? $"No whole backup of {database} is proven: nothing says how much could be brought back."
            : $"The newest proven whole backup of {database} holds the data as of {ReportText.Time(proven.SnapshotAt)} ({proven.Path}, id "
                + $"{proven.Id}, proven {ReportText.Time(proven.ProvenAt ?? default)}). What was written later is not in it."));
        if (proven is null)
        {
            evidence.Gaps.Add(text.Clean($"There was no proven whole backup of {database}."));
        }
    }

    private static (DateTime At, string Level, string Command, string Message)? Parse(string line)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            var said = json.RootElement;
            return (said.GetProperty("time").GetDateTime().ToUniversalTime(), said.GetProperty("level").GetString() ?? "",
                said.GetProperty("command").GetString() ?? "", said.GetProperty("message").GetString() ?? "");
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }
}
