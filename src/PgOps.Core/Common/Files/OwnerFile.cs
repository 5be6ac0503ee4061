using System.Globalization;
using System.Text;

namespace PgOps.Core.Common.Files;

/// <summary>Says which process writes a folder, so that another can tell a stray from a backup in progress.</summary>
internal static class OwnerFile
{
    /// <summary>The name of the file that says so.</summary>
    internal const string FileName = ".owner";

    /// <summary>A folder without the file is only being made or finished; that takes moments.</summary>
    private static readonly TimeSpan Ownerless = TimeSpan.FromHours(1);

    /// <summary>The file's content for this process.</summary>
    internal static byte[] Own()
    {
        var id = Environment.ProcessId;
        return Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"{ProcessStamp.Scope}\n{id}\n{ProcessStamp.Of(id)}\n"));
    }

    /// <summary>Whether the process that made the folder was on this machine and is gone.</summary>
    internal static bool IsDead(string folder)
    {
        try
        {
            var path = Path.Combine(folder, FileName);
            if (!File.Exists(path))
            {
                return DateTime.UtcNow - Directory.GetLastWriteTimeUtc(folder) > Ownerless;
            }

            var lines = File.ReadAllLines(path);
            return lines.Length == 3
                && lines[0] == ProcessStamp.Scope
                && int.TryParse(lines[1], NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                && !ProcessStamp.Runs(id, lines[2]);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
