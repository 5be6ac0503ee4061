using PgOps.Core.Comparison;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Repository.Archives;
using PgOps.Core.Sql;

namespace PgOps.Core.Restores;

/// <summary>What the step "require" hands on: how the payload is loaded, and what the copy is then held against.</summary>
/// <param name="Tool">pg_restore, or psql for a script.</param>
/// <param name="MissingRoles">Roles to create.</param>
/// <param name="Existing">The database that has the name now; null when none does.</param>
internal sealed record RestorePlan(PostgresTool Tool, IReadOnlyList<string> MissingRoles, DatabaseOccupancy? Existing)
{
    /// <summary>The archive, where it had to be opened to plan; null lets the load open it. Whoever opened it closes it.</summary>
    internal OpenedArchive? Archive { get; init; }

    /// <summary>Which entries of the archive are restored; null for a script.</summary>
    internal ArchiveEdit? Edit { get; init; }

    /// <summary>The part that is restored; null for all.</summary>
    internal TocSelection? Selection { get; init; }

    /// <summary>Which role takes the place of which; null when all stay.</summary>
    internal RoleMap? Roles { get; init; }

    /// <summary>The owner of the database; null leaves the role that works.</summary>
    internal string? Owner { get; init; }

    /// <summary>Puts everything into the database's own tablespace.</summary>
    internal bool NoTablespaces { get; init; }

    /// <summary>What of the schema objects has to be equal, and so what of owners and grants is restored.</summary>
    internal ObjectRules Objects { get; init; } = ObjectRules.Restored;

    /// <summary>Tables and sequences, quoted, that are not filled.</summary>
    internal IReadOnlySet<string> Unfilled { get; init; } = new HashSet<string>();

    /// <summary>How the copy is masked; null when it is not.</summary>
    internal MaskOrder? Mask { get; init; }

    /// <summary>A manifest without the tables and sequences that are not filled.</summary>
    internal static PgBackupManifest Filled(PgBackupManifest manifest, IReadOnlySet<string> unfilled) => manifest with
    {
        Tables = [.. manifest.Tables.Where(table => !unfilled.Contains(Quote.Qualified(table.Schema, table.Name)))],
        Sequences = [.. manifest.Sequences.Where(one => !unfilled.Contains(Quote.Qualified(one.Schema, one.Name)))],
    };

    /// <summary>The manifest as the copy has to fit it: of the part that is restored.</summary>
    internal required PgBackupManifest Manifest { get; init; }
}
