using System.Diagnostics;
using System.Text.Json;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Tests.Support;

/// <summary>Reads targets in a process of its own, whose environment a test can make: this assembly run as a program.</summary>
internal static class TargetPrinter
{
    internal const string Switch = "--target";

    /// <summary>The program: prints the target, its password alone on the second line, or the error's code and text.</summary>
    internal static int Print(string[] texts)
    {
        try
        {
            var target = texts is [var text] ? TargetParser.Parse(text) : TargetParser.FromEnvironment();
            Console.WriteLine(JsonSerializer.Serialize(target));
            Console.WriteLine(target.GetEnvironment().GetValueOrDefault("PGPASSWORD", ""));
            return 0;
        }
        catch (PgOpsException error)
        {
            Console.WriteLine($"{error.Code}\n{error.Message}");
            return 1;
        }
    }

    /// <summary>Reads a target, or the environment's when the text is null, with these variables and no other of PostgreSQL's.</summary>
    internal static async Task<(int ExitCode, string First, string Others)> RunAsync(
        string? text, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["exec", typeof(TargetPrinter).Assembly.Location, Switch])
        {
            RedirectStandardOutput = true,
        };
        if (text is not null)
        {
            start.ArgumentList.Add(text);
        }

        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("PG", StringComparison.Ordinal) || name == "DATABASE_URL")
            .ToList())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var first = await process.StandardOutput.ReadLineAsync() ?? "";
        var rest = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, first, rest.TrimEnd());
    }
}
