using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>One row that an import writes.</summary>
/// <param name="File">The migration.</param>
/// <param name="AppliedAt">When the other tool applied it, where that is known.</param>
/// <param name="Reason">What the row says of its origin.</param>
internal sealed record ImportedMigration(MigrationFile File, DateTime? AppliedAt, string Reason)
{
    /// <summary>The history's row.</summary>
    internal HistoryEntry Entry => new()
    {
        Version = File.Version,
        Name = File.Name,
        Kind = File.Kind,
        Checksum = File.Checksum,
        Script = File.Text,
        State = HistoryState.Baselined,
        Reason = Reason,
    };
}
