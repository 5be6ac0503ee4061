namespace PgOps.Core.Postgres.ClientTools;

/// <summary>A PostgreSQL client program that was found.</summary>
/// <param name="Name">Its name, for example <c>pg_dump</c>.</param>
/// <param name="Path">Its full path.</param>
/// <param name="Version">Its version as it says itself, for example <c>15.18</c>.</param>
/// <param name="Major">Its major version, for example 15.</param>
internal sealed record PostgresTool(string Name, string Path, string Version, int Major);
