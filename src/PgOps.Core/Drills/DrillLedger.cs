using System.Text.Json;

namespace PgOps.Core.Drills;

/// <summary><c>drills.jsonl</c> beside the backups: one line per drill.</summary>
internal static class DrillLedger
{
    /// <summary>The ledger's file name.</summary>
    internal const string FileName = "drills.jsonl";

    /// <summary>The backups whose newest drill passed, with the time of that drill.</summary>
    /// <param name="folder">The folder that holds the backups and the ledger.</param>
    internal static IReadOnlyDictionary<string, DateTime> ReadProven(string folder)
    {
        var proven = new Dictionary<string, DateTime>(StringComparer.Ordinal);
        var path = Path.Combine(folder, FileName);
        foreach (var line in File.Exists(path) ? File.ReadLines(path) : [])
        {
            using var json = JsonDocument.Parse(line);
            var id = json.RootElement.GetProperty("backupId").GetString()!;
            proven.Remove(id);
            if (json.RootElement.GetProperty("passed").GetBoolean())
            {
                proven[id] = json.RootElement.GetProperty("startedAt").GetDateTime().ToUniversalTime();
            }
        }

        return proven;
    }
}
