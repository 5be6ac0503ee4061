using PgOps.Core.Comparison;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Repository.Archives;

namespace PgOps.Core.Backups;

/// <summary>What a backup found in its snapshot.</summary>
/// <param name="Content">The fingerprint.</param>
/// <param name="Contents">The archive's table of contents.</param>
/// <param name="Dumped">The tables in it.</param>
/// <param name="Objects">The schema objects; null when only some of them are dumped.</param>
internal sealed record SnapshotResult(DatabaseContent Content, ArchiveContents Contents, DumpedTables Dumped, PgObjectInventory? Objects);
