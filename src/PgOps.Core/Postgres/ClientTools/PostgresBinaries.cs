using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;

namespace PgOps.Core.Postgres.ClientTools;

/// <summary>
/// Finds PostgreSQL's programs: in the folder the caller names, else in the folders of <c>PGOPS_PG_BIN</c>, else where the
/// platforms' packages put them and on the PATH.
/// </summary>
internal static partial class PostgresBinaries
{
    /// <summary>The environment variable that names the folder (or several, separated as in PATH) to take the programs from.</summary>
    public const string FolderVariable = "PGOPS_PG_BIN";

    private static readonly string[] KnownTools =
    [
        "postgres", "initdb", "pg_ctl", "psql", "pg_dump", "pg_dumpall", "pg_restore",
        "pg_basebackup", "pg_verifybackup", "pg_receivewal", "pg_waldump", "pg_controldata", "pg_isready",
    ];

    private static readonly ConcurrentDictionary<(string Path, DateTime Changed), string> Versions = new();

    /// <summary>Lists the installations on this machine, newest first.</summary>
    /// <param name="binPath">Looks in this folder alone; null looks everywhere.</param>
    /// <returns>One entry for each folder with programs in it.</returns>
    public static IReadOnlyList<PostgresInstallation> List(string? binPath = null)
        => All(binPath).Where(installation => installation.Major > 0).ToList();

    private static List<PostgresInstallation> All(string? binPath) => NewestFirst(Folders(binPath));

    // One whose programs do not start, and so tell no version, is the last, with 0. Of two with the same major version the newer minor
    // release comes first: an older pg_dump may write what its server's release keeps for itself (InternalOptions).
    internal static List<PostgresInstallation> NewestFirst(IEnumerable<string> folders)
    {
        var found = folders.Select(Describe).OfType<PostgresInstallation>().ToList();
        var several = found.GroupBy(installation => installation.Major).Where(group => group.Count() > 1).Select(group => group.Key)
            .ToHashSet();
        return found.OrderByDescending(installation => installation.Major)
            .ThenByDescending(installation => several.Contains(installation.Major) ? MinorOf(installation) : 0)
            .ToList();
    }

    private static int MinorOf(PostgresInstallation installation)
    {
        var version = installation.Tools.Select(tool => Ask(installation.PathOf(tool)).Version).FirstOrDefault(told => told.Length > 0, "");
        return version.Split('.') is [_, var minor, ..] && int.TryParse(
            minor, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
    }

    /// <summary>Finds the programs that make and run a server.</summary>
    /// <param name="major">The major version wanted; null takes the newest.</param>
    /// <param name="binPath">Looks in this folder alone; null looks everywhere.</param>
    /// <returns>An installation with postgres and initdb, its full version known.</returns>
    /// <exception cref="PgOpsException"><see cref="PgErrorCode.ToolMissing"/>, with the command that installs it;
    /// <see cref="PgErrorCode.ToolFailed"/> with its own words where the server program is there and does not start.</exception>
    public static PostgresInstallation Server(int? major = null, string? binPath = null)
    {
        var found = All(binPath);
        var silent = new List<string>();
        foreach (var server in found.Where(
            installation => installation.HasServer && (major is null || installation.Major == major || installation.Major == 0)))
        {
            var path = server.PathOf("postgres");
            var (version, words) = Ask(path);
            if (version.Length == 0)
            {
                silent.Add($"{path} is there but does not start: {words}");
            }
            else if (server.Major > 0)
            {
                return server with { Version = version };
            }
        }

        if (silent.Count > 0)
        {
            throw new PgOpsException(
                PgErrorCode.ToolFailed,
                string.Join('\n', silent),
                "No server was started.",
                $"Mend what it names{(OperatingSystem.IsLinux() ? " (ldd lists the libraries that a program misses)" : "")}, or take "
                    + $"another: {InstallAdvice.Server(major)}");
        }

        var wanted = major is { } number ? $"PostgreSQL {Text(number)} server programs" : "PostgreSQL server programs";
        throw new PgOpsException(
            PgErrorCode.ToolMissing,
            $"No {wanted} (postgres, initdb) "
                + $"found{Where(binPath)}.{Others(found.Where(installation => installation.HasServer && installation.Major > 0))}",
            nextStep: Get(binPath, InstallAdvice.Server(major)));
    }

    /// <summary>Finds the newest client program of a name that is not older than the server it should work on.</summary>
    /// <param name="tool">Its name without extension, for example <c>pg_dump</c>.</param>
    /// <param name="minimumServerMajor">The server's major version; 0 when it does not matter.</param>
    /// <param name="binPath">Looks in this folder alone; null looks everywhere.</param>
    /// <returns>The program with its version.</returns>
    /// <exception cref="PgOpsException"><see cref="PgErrorCode.ToolMissing"/> or <see cref="PgErrorCode.ToolTooOld"/>, with the command
    /// that installs it.</exception>
    public static PostgresTool Client(string tool, int minimumServerMajor = 0, string? binPath = null)
    {
        var all = All(binPath).Where(installation => installation.Tools.Contains(tool)).ToList();
        var newest = all.Find(installation => Ask(installation.PathOf(tool)).Version.Length > 0);
        if (newest is null)
        {
            throw new PgOpsException(
                PgErrorCode.ToolMissing,
                all.Count == 0
                    ? $"{tool} was not found{Where(binPath)}."
                    : string.Join(
                        '\n', all.Select(one => $"{one.PathOf(tool)} is there but does not start: {Ask(one.PathOf(tool)).Words}")),
                nextStep: Get(binPath, InstallAdvice.Client(minimumServerMajor > 0 ? minimumServerMajor : null)));
        }

        var path = newest.PathOf(tool);
        var version = Ask(path).Version;
        var major = MajorOf(version) ?? newest.Major;
        // pg_dump refuses a newer server itself, but only when it has connected and the caller has made folders and locks.
        if (major < minimumServerMajor)
        {
            throw new PgOpsException(
                PgErrorCode.ToolTooOld,
                $"The newest {tool} found{(NamedByVariable().Length > 0 ? Where(binPath) : "")} is {version} ({path}); "
                    + $"the server is PostgreSQL {Text(minimumServerMajor)}.",
                "nothing was written",
                Get(binPath, InstallAdvice.Client(minimumServerMajor)));
        }

        return new PostgresTool(tool, path, version, major);
    }

    internal static string FileName(string tool) => OperatingSystem.IsWindows() ? tool + ".exe" : tool;

    /// <summary>Reads a major version from a version's text: 15 from <c>15.18</c>, 18 from <c>18beta1</c>.</summary>
    internal static int? MajorOf(string version)
    {
        var digits = LeadingNumber().Match(version);
        return digits.Success ? int.Parse(digits.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture) : null;
    }

    /// <summary>The version in what a program says of itself, as in <c>pg_dump (PostgreSQL) 15.18</c>; empty when there is none.</summary>
    internal static string VersionOf(string words) => ToolVersion().Match(words).Groups[1].Value;

    /// <summary>What a program of this version says of itself.</summary>
    internal static string Words(string tool, string version) => $"{tool} (PostgreSQL) {version}";

    private static PostgresInstallation? Describe(string folder)
    {
        var tools = KnownTools.Where(tool => IsProgram(Path.Combine(folder, FileName(tool)))).ToHashSet(StringComparer.Ordinal);
        if (tools.Count == 0)
        {
            return null;
        }

        var fromName = FolderVersion().Match(folder);
        var version = fromName.Success
            ? fromName.Groups[1].Value
            : tools.Select(tool => Ask(Path.Combine(folder, FileName(tool))).Version).FirstOrDefault(told => told.Length > 0, "");
        return new PostgresInstallation(folder, version, MajorOf(version) ?? 0, tools);
    }

    private static IEnumerable<string> Folders(string? binPath)
    {
        if (!string.IsNullOrEmpty(binPath))
        {
            return [Path.GetFullPath(binPath)];
        }

        return NamedByVariable() is { Length: > 0 } named
            ? named.Where(Path.IsPathRooted)
            : PackagedFolders().Concat(Split(Environment.GetEnvironmentVariable("PATH")).Where(Path.IsPathRooted))
                .Where(Directory.Exists).Select(RealPath).Distinct(StringComparer.Ordinal);
    }

    private static IEnumerable<string> PackagedFolders()
    {
        if (OperatingSystem.IsWindows())
        {
            var programs = Environment.GetFolderPath(Environment.SpecialFolder.ProgramFiles);
            return Below(Path.Combine(programs, "PostgreSQL"), "*", "bin").Concat(Below(Path.Combine(programs, "edb"), "as*", "bin"));
        }

        return Below("/usr/lib/postgresql", "*", "bin")
            .Concat(Below("/usr", "pgsql-*", "bin"))
            .Concat(Below("/usr/libexec", "postgresql*", ""))
            .Concat(Below("/opt/homebrew/opt", "postgresql*", "bin"))
            .Concat(Below("/usr/local/opt", "postgresql*", "bin"))
            .Concat(Below("/Library/PostgreSQL", "*", "bin"))
            .Concat(Below("/usr/edb", "as*", "bin"));
    }

    private static IEnumerable<string> Below(string root, string pattern, string leaf) =>
        Directory.Exists(root) ? Directory.EnumerateDirectories(root, pattern).Select(folder => Path.Combine(folder, leaf)) : [];

    private static string[] Split(string? list) =>
        (list ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static string[] NamedByVariable() => Split(Environment.GetEnvironmentVariable(FolderVariable));

    private static string RealPath(string folder) =>
        Path.TrimEndingDirectorySeparator(new DirectoryInfo(folder).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? folder);

    // Debian's /usr/bin/pg_dump is a Perl script that picks a version by the local clusters, not by the server at hand.
    private static bool IsProgram(string path) =>
        File.Exists(path) && new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.Name != "pg_wrapper";

    /// <summary>A program's version, or why it tells none.</summary>
    private static (string Version, string Words) Ask(string path)
    {
        var key = (path, File.GetLastWriteTimeUtc(path));
        if (Versions.TryGetValue(key, out var version))
        {
            return (version, "");
        }

        var answer = AskVersion(path);
        if (answer.Version.Length > 0)
        {
            Versions[key] = answer.Version;
        }

        return answer;
    }

    // Synchronous, for tab completion asks too: one short run for each program, its answer kept.
    private static (string Version, string Words) AskVersion(string path)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        var answer = "";
        try
        {
            var result = ToolProcess.RunAsync(
                new ToolCommand(path, "--version") { OnOutput = line => answer = answer.Length == 0 ? line : answer },
                patience.Token).GetAwaiter().GetResult();
            var version = VersionOf(answer);
            return version.Length > 0 ? (version, "")
                : result.ExitCode == 0 ? ("", $"--version answers '{answer}'")
                : ("", result.Error().Problem);
        }
        catch (PgOpsException error)
        {
            return ("", error.Problem);
        }
        catch (OperationCanceledException)
        {
            return ("", "--version was not answered in 10 s.");
        }
    }

    // What the variable names hides what is installed elsewhere.
    private static string Get(string? binPath, string install) =>
        !string.IsNullOrEmpty(binPath) ? $"Correct the folder, or leave -BinPath out. If the programs are not on this machine: {install}"
        : NamedByVariable().Length > 0
            ? $"Correct {FolderVariable}, or unset it: Remove-Item Env:{FolderVariable}. If the programs are not on this machine: {install}"
            : install;

    private static string Where(string? binPath) =>
        !string.IsNullOrEmpty(binPath) ? $" in {Place(Path.GetFullPath(binPath))}"
        : NamedByVariable() is { Length: > 0 } named
            ? $" in {string.Join("; ", named.Select(Place))} (the environment variable {FolderVariable})"
        : "";

    private static string Place(string folder) =>
        !Path.IsPathRooted(folder) ? $"'{folder}', which is not an absolute path"
        : File.Exists(folder) ? $"{folder}, which is a file and not a folder"
        : Directory.Exists(folder) ? folder
        : $"{folder}, which does not exist";

    private static string Others(IEnumerable<PostgresInstallation> found)
    {
        var list = string.Join(", ", found.Select(installation => $"{Text(installation.Major)} ({installation.BinPath})"));
        return list.Length == 0 ? "" : $" There is {list}.";
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^\d+")]
    private static partial Regex LeadingNumber();

    // …/postgresql/15/bin, …/pgsql-15/bin, …/postgresql@15/bin, …/as15/bin
    [GeneratedRegex(@"(?:postgresql[/\\@]|pgsql-|[/\\]as|postgresql)(\d+)(?:[/\\]bin)?$", RegexOptions.IgnoreCase)]
    private static partial Regex FolderVersion();

    [GeneratedRegex(@"\) (\d+[^\s]*)")]
    private static partial Regex ToolVersion();
}
