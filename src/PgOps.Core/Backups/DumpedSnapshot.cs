using PgOps.Core.Comparison;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Repository.Archives;

namespace PgOps.Core.Backups;

/// <summary>What the step "dump" hands on: the archive, and what was found in the snapshot.</summary>
/// <param name="Archive">The payload, file or folder.</param>
/// <param name="Content">The fingerprint.</param>
/// <param name="Contents">The archive's table of contents.</param>
/// <param name="Dumped">The tables in it.</param>
/// <param name="Objects">The schema objects; null when only some of them are dumped.</param>
internal sealed record DumpedSnapshot(
    string Archive, DatabaseContent Content, ArchiveContents Contents, DumpedTables Dumped, PgObjectInventory? Objects)
{
    /// <summary>What encrypted the archive while it was written, and read it back; null when it lies there as pg_dump wrote it.</summary>
    internal EncryptedDump? Stream { get; init; }

    /// <summary>pg_dump's warnings.</summary>
    internal IReadOnlyList<string> Warnings { get; init; } = [];
}
