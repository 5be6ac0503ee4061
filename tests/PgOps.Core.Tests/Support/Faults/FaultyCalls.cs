using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using PgOps.Core.Common.Files;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Tests.Peers;

namespace PgOps.Core.Tests.Support.Faults;

/// <summary>A library, built from faults.c, that lets a process' calls of the system fail when it is preloaded.</summary>
internal sealed class FaultyCalls
{
    private readonly string _library;
    private readonly string _count;

    /// <param name="folder">Where it is built.</param>
    internal FaultyCalls(string folder)
    {
        _library = Path.Combine(folder, "faults.so");
        _count = Path.Combine(folder, "count");
        var source = Path.Combine(folder, "faults.c");
        using (var resource = typeof(FaultyCalls).Assembly.GetManifestResourceStream("faults.c")!)
        using (var file = File.Create(source))
        {
            resource.CopyTo(file);
        }

        using var compiler = Process.Start("cc", ["-shared", "-fPIC", "-O1", "-o", _library, source, "-ldl"]);
        compiler.WaitForExit();
        Assert.Equal(0, compiler.ExitCode);
    }

    /// <summary>
    /// Lets the calls that PgOps makes of libc by itself go to the preloaded library as well: what is looked up in libc is not.
    /// </summary>
    internal static void LetThrough()
    {
        if (Environment.GetEnvironmentVariable("LD_PRELOAD") is { Length: > 0 })
        {
            NativeLibrary.SetDllImportResolver(
                typeof(DurableFile).Assembly, (name, _, _) => name == "libc" ? NativeLibrary.GetMainProgramHandle() : 0);
        }
    }

    /// <summary>What to put before a command.</summary>
    /// <param name="call">fsync, chmod, rename, flock or write.</param>
    /// <param name="under">The folder whose files are meant.</param>
    /// <param name="at">Which call fails, from 1; 0 for none, -1 for all.</param>
    /// <param name="error">With what errno.</param>
    internal string[] Before(string call, string under, int at, int error)
    {
        File.Delete(_count);
        return
        [
            "env", $"LD_PRELOAD={_library}", $"PGOPS_FAULT_UNDER={under}", $"PGOPS_FAULT_CALL={call}",
            string.Create(CultureInfo.InvariantCulture, $"PGOPS_FAULT_AT={at}"),
            string.Create(CultureInfo.InvariantCulture, $"PGOPS_FAULT_ERRNO={error}"), $"PGOPS_FAULT_COUNT={_count}",
        ];
    }

    /// <summary>How many calls there were since <see cref="Before"/>.</summary>
    internal int Calls => File.Exists(_count) ? (int)new FileInfo(_count).Length : 0;
}

/// <summary>A test that needs a C compiler.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class FaultyCallsFactAttribute() : PeerFactAttribute(
    !OperatingSystem.IsLinux() ? "calls are made to fail by a library that Linux preloads"
        : ProgramSearch.OnPath("cc") is null ? "there is no C compiler" : PostgresAvailability.Missing);
