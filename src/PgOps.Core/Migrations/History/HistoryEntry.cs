using System.Globalization;
using Npgsql;

namespace PgOps.Core.Migrations.History;

/// <summary>A row to append.</summary>
internal sealed record HistoryEntry
{
    internal required string Version { get; init; }

    internal required string Name { get; init; }

    internal string Kind { get; init; } = HistoryRow.Versioned;

    internal required string Checksum { get; init; }

    internal required string Script { get; init; }

    internal required string State { get; init; }

    internal bool Transactional { get; init; } = true;

    internal int StatementsTotal { get; init; }

    internal int StatementsDone { get; init; }

    internal string? Error { get; init; }

    internal string? Reason { get; init; }

    internal string? BackupId { get; init; }
}
