namespace PgOps.Core.Postgres.ClientTools;

/// <summary>Finds system programs on the PATH.</summary>
internal static class ProgramSearch
{
    // A service's PATH may lack the sbin folders, where some distributions keep setpriv and setsid.
    private static readonly string[] SystemFolders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];

    /// <summary>The first program of this name.</summary>
    /// <param name="program">Its file name.</param>
    /// <returns>Its full path, or null.</returns>
    internal static string? OnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Concat(OperatingSystem.IsWindows() ? [] : SystemFolders)
            .Select(folder => Path.Combine(folder, program))
            .FirstOrDefault(File.Exists);
}
