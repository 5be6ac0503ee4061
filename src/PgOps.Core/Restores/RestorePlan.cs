using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Repository.Archives;

namespace PgOps.Core.Restores;

/// <summary>What the checks before a restore have settled.</summary>
/// <param name="Tool">pg_restore, or psql for a script.</param>
/// <param name="MissingRoles">Roles to create.</param>
/// <param name="Existing">The database that bears the name now; null when none does.</param>
internal sealed record RestorePlan(PostgresTool Tool, IReadOnlyList<string> MissingRoles, DatabaseOccupancy? Existing)
{
    /// <summary>Which entries of the archive are restored; null for a script.</summary>
    internal ArchiveEdit? Edit { get; init; }

    /// <summary>The part that is restored; null for all.</summary>
    internal TocSelection? Selection { get; init; }

    /// <summary>Which role takes the place of which; null when all stay.</summary>
    internal RoleMap? Roles { get; init; }

    /// <summary>The owner of the database; null leaves the role that works.</summary>
    internal string? Owner { get; init; }

    /// <summary>The manifest as the copy has to fit it: of the part that is restored.</summary>
    internal required PgBackupManifest Manifest { get; init; }
}
