namespace PgOps.Core.Postgres.ClientTools;

/// <summary>One folder of PostgreSQL programs.</summary>
/// <param name="BinPath">The folder.</param>
/// <param name="Version">The full version where a program told it, else the major version alone: <c>15.18</c>, <c>18beta1</c>,
/// <c>15</c>.</param>
/// <param name="Major">The major version, for example 15.</param>
/// <param name="Tools">Names of the programs that are there, without extension.</param>
internal sealed record PostgresInstallation(string BinPath, string Version, int Major, IReadOnlySet<string> Tools)
{
    /// <summary>Whether a server can be made and run from here.</summary>
    public bool HasServer => Tools.Contains("postgres") && Tools.Contains("initdb");

    /// <summary>The path of a program.</summary>
    /// <param name="tool">Its name without extension, for example <c>pg_dump</c>.</param>
    /// <returns>The full path, with the platform's extension.</returns>
    public string PathOf(string tool) => Path.Combine(BinPath, PostgresBinaries.FileName(tool));
}
