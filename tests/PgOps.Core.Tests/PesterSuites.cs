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
    private static readonly string Folder = Path.GetFullPath(Path.Combine(SourceFolder(), "..", "PgOps.Module.Tests"));

    [Theory]
    [Suites]
    [Trait("Category", "Pester")]
    public async Task Suite_passes(string suite)
    {
        var start = new ProcessStartInfo("pwsh") { RedirectStandardOutput = true };
        foreach (var argument in new[] { "-NoProfile", "-NonInteractive", "-File", Path.Combine(Folder, "Invoke-Suites.ps1"), "-Name", suite })
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, output);
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
            var name = OperatingSystem.IsWindows() ? "pwsh.exe" : "pwsh";
            var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
            if (!path.Any(folder => File.Exists(Path.Combine(folder, name))))
            {
                return "PESTER SUITE NOT RUN: PowerShell is not installed. Install PowerShell 7.4 or newer, then run ./build.ps1 Test.";
            }

            return File.Exists(Path.Combine(Folder, "..", "..", "module", "bin", "PgOps.Cmdlets.dll"))
                ? null
                : "PESTER SUITE NOT RUN: the module is not built. ./build.ps1 Test builds it and runs this suite.";
        }
    }
}
