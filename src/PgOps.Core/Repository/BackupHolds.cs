using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using PgOps.Core.Common.Files;

namespace PgOps.Core.Repository;

/// <summary>
/// <c>holds.jsonl</c> beside the backups: a line for each hold that was put on one after it was made. The latest counts, and nothing in
/// it takes a hold away; so nobody need sign it. Whoever can write it can only make backups stay, and Remove-PgBackup names those.
/// </summary>
internal static class BackupHolds
{
    /// <summary>The file's name.</summary>
    internal const string FileName = "holds.jsonl";

    /// <summary>The line of a hold.</summary>
    internal static byte[] Line(HoldBackupRequest request)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("backupId", request.Backup.Id);
            json.WriteString("keepUntil", request.Until.ToUniversalTime());
            json.WriteString("reason", request.Reason);
            json.WriteString("heldAt", DateTime.UtcNow);
            json.WriteString("heldBy", Environment.UserName);
            json.WriteEndObject();
        }

        return [.. buffer.ToArray(), (byte)'\n'];
    }

    /// <summary>Where the file's last whole line ends: what a writer that died left behind it never counted.</summary>
    internal static int WholeLength(byte[] file) => Array.LastIndexOf(file, (byte)'\n') + 1;

    /// <summary>Until when each backup is held, by id.</summary>
    /// <param name="file">The file's bytes.</param>
    /// <param name="place">Where it is, for the warning about lines that cannot be read.</param>
    /// <param name="log">Receives that; null for nobody.</param>
    internal static IReadOnlyDictionary<string, DateTime> Read(byte[] file, string place, ILogger? log)
    {
        var holds = new Dictionary<string, DateTime>(StringComparer.Ordinal);
        var strange = 0;
        foreach (var line in Encoding.UTF8.GetString(file, 0, WholeLength(file)).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (Parse(line) is not var (id, until))
            {
                strange++;
            }
            else if (!holds.TryGetValue(id, out var known) || known < until)
            {
                holds[id] = until;
            }
        }

        if (strange > 0)
        {
            log?.HoldsUnreadable(place, strange);
        }

        return holds;
    }

    /// <summary>The same of a folder of backups.</summary>
    internal static IReadOnlyDictionary<string, DateTime> ReadFolder(string folder, ILogger? log)
    {
        var path = Path.Combine(folder, FileName);
        return Read(SharedFile.Read(path), path, log);
    }

    /// <summary>A backup with the hold that was put on it, where it is the longer one.</summary>
    internal static PgBackup Mark(PgBackup backup, IReadOnlyDictionary<string, DateTime> holds)
        => holds.TryGetValue(backup.Id, out var until) && !(backup.KeepUntil >= until) ? backup with { KeepUntil = until } : backup;

    private static (string Id, DateTime Until)? Parse(string line)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            return json.RootElement.GetProperty("backupId").GetString() is { Length: > 0 } id
                ? (id, json.RootElement.GetProperty("keepUntil").GetDateTime().ToUniversalTime())
                : null;
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }
}
