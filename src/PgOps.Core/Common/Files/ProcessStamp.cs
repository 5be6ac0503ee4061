using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace PgOps.Core.Common.Files;

/// <summary>Tells a process from a later one that got the same id.</summary>
internal static class ProcessStamp
{
    /// <summary>Where process ids mean what they mean here: the machine and its pid namespace.</summary>
    internal static string Scope { get; } = OperatingSystem.IsLinux()
        ? $"{Environment.MachineName} {new FileInfo("/proc/self/ns/pid").LinkTarget}"
        : Environment.MachineName;

    /// <summary>When a process started, in the system's own units.</summary>
    /// <param name="processId">The process.</param>
    /// <returns>Null when there is no such process, or only its corpse.</returns>
    internal static string? Of(int processId)
    {
        if (OperatingSystem.IsLinux())
        {
            return FromProc(processId);
        }

        try
        {
            using var process = Process.GetProcessById(processId);
            return process.StartTime.ToUniversalTime().Ticks.ToString(CultureInfo.InvariantCulture);
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException or Win32Exception)
        {
            return null;
        }
    }

    /// <summary>Whether the process that bore this stamp still runs.</summary>
    /// <param name="processId">Its id.</param>
    /// <param name="stamp">Its stamp.</param>
    /// <returns>False as well when the id belongs to another process now.</returns>
    internal static bool Runs(int processId, string stamp) => Of(processId) == stamp;

    // Fields 3 (state) and 22 (start time in ticks since boot); the name before them may hold anything, parentheses included
    // (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html).
    private static string? FromProc(int processId)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{processId.ToString(CultureInfo.InvariantCulture)}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : fields[19];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
