using System.Diagnostics;
using System.Globalization;

namespace PgOps.Core.Backups;

/// <summary>Says which process writes a folder, so that another can tell a stray from a backup in progress.</summary>
internal static class OwnerMark
{
    /// <summary>The mark's file name.</summary>
    internal const string FileName = ".owner";

    /// <summary>A process id is soon used again; the start time tells the two apart. Reading it twice may differ a little.</summary>
    private static readonly TimeSpan StartTolerance = TimeSpan.FromSeconds(2);

    /// <summary>A folder without a mark is only being made or finished; that takes moments.</summary>
    private static readonly TimeSpan Unmarked = TimeSpan.FromHours(1);

    /// <summary>The mark of this process.</summary>
    internal static byte[] Own()
    {
        using var self = Process.GetCurrentProcess();
        return System.Text.Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"{Environment.MachineName}\n{self.Id}\n{self.StartTime.ToUniversalTime():O}\n"));
    }

    /// <summary>Whether the process that made the folder was on this machine and is gone.</summary>
    internal static bool IsDead(string folder)
    {
        try
        {
            var path = Path.Combine(folder, FileName);
            if (!File.Exists(path))
            {
                return DateTime.UtcNow - Directory.GetLastWriteTimeUtc(folder) > Unmarked;
            }

            var lines = File.ReadAllLines(path);
            return lines.Length == 3
                && lines[0] == Environment.MachineName
                && int.TryParse(lines[1], NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                && DateTime.TryParse(lines[2], CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var started)
                && !Runs(id, started);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static bool Runs(int id, DateTime started)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return (process.StartTime.ToUniversalTime() - started).Duration() < StartTolerance;
        }
        catch (ArgumentException)
        {
            return false;
        }
        catch (Exception error) when (error is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // It ended under our hands, or belongs to somebody else: then it is not the owner we look for, but be careful.
            return error is System.ComponentModel.Win32Exception;
        }
    }
}
