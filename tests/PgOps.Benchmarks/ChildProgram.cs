using System.Diagnostics;
using System.Globalization;

namespace PgOps.Benchmarks;

/// <summary>Runs a program against a database and watches its memory.</summary>
internal static class ChildProgram
{
    /// <summary>Where a program is: an environment variable of its own, else PATH.</summary>
    internal static string? Find(string name, string variable)
        => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } path
            ? path
            : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
                .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? name + ".exe" : name))
                .FirstOrDefault(File.Exists);

    /// <summary>Runs it to its end; gives the highest resident memory in bytes that was seen.</summary>
    internal static async Task<long> RunAsync(
        PgTarget target, string program, IEnumerable<string> arguments, bool watch = true, string? folder = null,
        params (string, string)[] variables)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            WorkingDirectory = folder ?? "",
        };
        foreach (var (name, value) in target.GetEnvironment().Select(pair => (pair.Key, pair.Value)).Concat(variables))
        {
            // An empty one is taken away: lib/pq refuses variables that it does not know.
            start.Environment[name] = value.Length == 0 ? null : value;
        }

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        long peak = 0;
        if (watch)
        {
            var exit = process.WaitForExitAsync();
            while (await Task.WhenAny(exit, Task.Delay(5)).ConfigureAwait(false) != exit)
            {
                peak = Math.Max(peak, PeakOf(process.Id));
            }
        }

        await process.WaitForExitAsync().ConfigureAwait(false);
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException(
                $"{program} ended with {process.ExitCode}: {await errors.ConfigureAwait(false)}{await output.ConfigureAwait(false)}");
        }

        return peak;
    }

    /// <summary>The highest resident memory of a process; 0 where the system does not tell.</summary>
    internal static long PeakOf(int process)
    {
        try
        {
            var line = File.ReadLines($"/proc/{process}/status")
                .FirstOrDefault(text => text.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line.AsSpan(6).Trim().TrimEnd("kB").Trim(), CultureInfo.InvariantCulture) * 1024;
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
