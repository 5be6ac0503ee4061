using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.History;

/// <summary>A row to append.</summary>
internal sealed record HistoryEntry
{
    internal required string Version { get; init; }

    internal required string Name { get; init; }

    internal MigrationKind Kind { get; init; } = MigrationKind.Versioned;

    internal required string Checksum { get; init; }

    /// <summary>The script; passwords do not go into the history.</summary>
    internal required string Script { get; init => field = SecretLiterals.Hide(value); }

    internal required HistoryState State { get; init; }

    internal bool Transactional { get; init; } = true;

    internal int StatementsTotal { get; init; }

    internal int StatementsDone { get; init; }

    internal string? Error { get; init; }

    internal string? Reason { get; init; }

    internal string? BackupId { get; init; }

    /// <summary>What the statements that are done have left in their session: names and values, as JSON.</summary>
    internal string? SessionState { get; init; }

    /// <summary>The row that the history gets when the script has run, or failed in its transaction.</summary>
    internal static HistoryEntry Of(MigrationScript script, HistoryState state, string? error, string? backupId) => new()
    {
        Version = script.File.Version,
        Name = script.File.Name,
        Kind = script.File.Kind,
        Checksum = (script.Undone ?? script.File).Checksum,
        Script = script.File.Text,
        State = script.IsUndo ? HistoryState.Reverted : state,
        StatementsTotal = script.Statements.Count,
        StatementsDone = error is null ? script.Statements.Count : 0,
        Error = error is null ? null : script.File.HideIn(error),
        BackupId = backupId,
    };

    /// <summary>The mark that a history begins here, for a folder that is still empty. Every version comes after it.</summary>
    internal static HistoryEntry BaselineMark() => new()
    {
        Version = "0",
        Name = "baseline",
        Kind = MigrationKind.Baseline,
        Checksum = "",
        Script = "",
        State = HistoryState.Baselined,
    };
}
