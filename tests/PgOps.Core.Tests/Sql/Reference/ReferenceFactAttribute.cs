using PgOps.Core.Tests.Peers;

namespace PgOps.Core.Tests.Sql.Reference;

/// <summary>A comparison with the parser of PostgreSQL itself, as the npm package libpg-query holds it.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LibpgQueryFactAttribute()
    : PeerFactAttribute(Peer.Missing("npm's libpg-query", Modules) ?? Peer.Missing("Node.js", Peer.Node))
{
    /// <summary>The node_modules folder that holds it; PGOPS_LIBPG_QUERY names another.</summary>
    internal static string? Modules => Peer.Npm("LIBPG_QUERY", "libpg-query") is not { } found ? null
        : found.EndsWith("libpg-query", StringComparison.Ordinal) ? Path.GetDirectoryName(found) : found;
}

/// <summary>A comparison over PostgreSQL's own regression scripts; psql must be there.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PostgresSourceFactAttribute()
    : PeerFactAttribute(Peer.Missing("PostgreSQL's src/test/regress/sql", Scripts) ?? Peer.MissingProgram("psql"))
{
    /// <summary>The folder of SQL files; PGOPS_POSTGRES_SOURCE names another.</summary>
    internal static string? Scripts
        => Peer.Existing(Peer.Named("POSTGRES_SOURCE") ?? Path.Combine(Peer.Folder, "source", "src", "test", "regress", "sql"));
}
