using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Repository.Archives;

namespace PgOps.Core.Restores;

/// <summary>How pg_restore or psql is to be run.</summary>
/// <param name="Tool">The program.</param>
/// <param name="Jobs">Parallel workers.</param>
/// <param name="ServerMajor">Major version of the server.</param>
/// <param name="NoOwner">Leaves ownership out.</param>
/// <param name="NoPrivileges">Leaves grants out.</param>
/// <param name="Script">What was found in a plain dump; null for anything else.</param>
internal sealed record ArchiveRestoreOptions(
    PostgresTool Tool, int Jobs, int ServerMajor, bool NoOwner = false, bool NoPrivileges = false, DumpScript? Script = null)
{
    /// <summary>The archive, opened; null reads the backup's own, which is not encrypted.</summary>
    internal OpenedArchive? Archive { get; init; }

    /// <summary>Which entries to restore; null for all.</summary>
    internal ArchiveEdit? Edit { get; init; }

    /// <summary>Which role takes the place of which; null when all stay.</summary>
    internal RoleMap? Roles { get; init; }

    /// <summary>Puts everything into the database's own tablespace.</summary>
    internal bool NoTablespaces { get; init; }

    /// <summary>Leaves the planner's statistics out, which quote values of the rows.</summary>
    internal bool NoStatistics { get; init; }

    /// <summary>Whether pg_restore will make the one complaint that is harmless, so that it must not stop at its first error.</summary>
    internal bool Tolerant => Tool.Major >= 17 && ServerMajor < 17;
}
