using System.ComponentModel;
using System.Diagnostics;
using System.Reflection;
using System.Runtime.CompilerServices;
using Xunit.Sdk;

namespace PgOps.Core.Tests;

/// <summary>
/// The Pester suites, so that <c>dotnet test</c> names them even where they cannot run. build.ps1 Test runs them itself and leaves
/// these out (Category=Pester).
/// </summary>
public sealed class PesterSuites
{
    private static readonly string Root = Path.GetFullPath(Path.Combine(SourceFolder(), "..", ".."));
    private static readonly string Folder = Path.Combine(Root, "tests", "PgOps.Module.Tests");

    // On the PATH, from the fallback of CONTRIBUTING.md, or from the tool manifest.
    private static readonly Lazy<string[]?> PowerShell = new(() =>
        new string[][] { ["pwsh"], [Path.Combine(Root, "out", "tools", "pwsh")], ["dotnet", "pwsh"] }.FirstOrDefault(Runs));

    [Theory]
    [Suites]
    [Trait("Category", "Pester")]
    public async Task Suite_passes(string suite)
    {
        string[] arguments = ["-NoProfile", "-NonInteractive", "-File", Path.Combine(Folder, "Invoke-Suites.ps1"), "-Name", suite];
        using var process = Start(PowerShell.Value!, arguments);
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, output);
    }

    private static Process Start(string[] powerShell, string[] arguments) =>
        Process.Start(new ProcessStartInfo(powerShell[0], [.. powerShell[1..], .. arguments])
        {
            RedirectStandardOutput = true,
            WorkingDirectory = Root,
        })!;

    // To be there is not enough: a shared tool's file may be somebody else's to execute.
    private static bool Runs(string[] powerShell)
    {
        try
        {
            using var process = Start(powerShell, ["-Version"]);
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }

    private static string SourceFolder([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class SuitesAttribute : DataAttribute
    {
        public SuitesAttribute()
        {
            Skip = Obstacle();
        }

        public override IEnumerable<object[]> GetData(MethodInfo testMethod)
            => Directory.GetFiles(Folder, "*.Tests.ps1")
                .Select(file => Path.GetFileName(file)[..^".Tests.ps1".Length])
                .Order(StringComparer.Ordinal)
                .Select(suite => new object[] { suite });

        private static string? Obstacle()
        {
            if (PowerShell.Value is null)
            {
                return "PESTER SUITE NOT RUN: PowerShell is not here. "
                    + "Get it with dotnet tool restore, then run dotnet pwsh build.ps1 Test.";
            }

            return File.Exists(Path.Combine(Root, "module", "bin", "PgOps.Cmdlets.dll"))
                ? null
                : "PESTER SUITE NOT RUN: the module is not built. ./build.ps1 Test builds it and runs this suite.";
        }
    }
}
