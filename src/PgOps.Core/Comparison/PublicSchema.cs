using PgOps.Core.Repository;

namespace PgOps.Core.Comparison;

/// <summary>
/// The schema public, of which pg_dump leaves out what every database begins with. Since 15 that is another owner, and no right for
/// everybody to create in it (https://www.postgresql.org/docs/release/15.0/: "Remove PUBLIC creation permission on the public schema").
/// </summary>
internal static class PublicSchema
{
    private const int ChangedIn = 15;

    private const string OlderDump =
        "pg_dump before 15 does not dump the owner and the grants that the schema public had from the beginning, "
        + "and since 15 servers begin with others: back up with pg_dump 15 or newer, "
        + "which dumps older servers too, or restore with -NoOwner and -NoPrivileges and settle them by hand";

    private const string OlderServer =
        "since 15 the schema public begins with the owner pg_database_owner and without the right to create in it for everybody, which "
        + "pg_dump does not dump, and this older server begins with others: restore to PostgreSQL 15 or newer, or with -NoOwner and "
        + "-NoPrivileges, and settle them by hand";

    /// <summary>Why it may differ in the copy, and the way out; null where both begin alike.</summary>
    /// <param name="dump">The major version of pg_dump.</param>
    /// <param name="server">That of the copy's server.</param>
    internal static string? Why(int dump, int server)
        => dump < ChangedIn && server >= ChangedIn ? OlderDump
            : dump >= ChangedIn && server < ChangedIn ? OlderServer
            : null;

    /// <summary>What to do where nothing else differs.</summary>
    internal static string WayOut(PgBackup backup)
        => backup.Manifest is { } manifest && DumpVersion.MajorOf(manifest) >= ChangedIn
            ? "Restore to PostgreSQL 15 or newer; or restore with -NoOwner and -NoPrivileges, then in the copy REVOKE CREATE ON SCHEMA "
                + "public FROM PUBLIC, and set owners and grants."
            : "Back up again with pg_dump 15 or newer, or restore with -NoOwner and -NoPrivileges.";
}
