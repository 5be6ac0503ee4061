using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.History;

/// <summary>A record of one version, most often its newest.</summary>
internal sealed record HistoryRow
{
    internal required long Id { get; init; }

    internal required string Version { get; init; }

    internal required string Name { get; init; }

    internal required MigrationKind Kind { get; init; }

    internal required string Checksum { get; init; }

    internal required HistoryState State { get; init; }

    internal required bool Transactional { get; init; }

    internal required int StatementsTotal { get; init; }

    internal required int StatementsDone { get; init; }

    /// <summary>The statement, counted from 0, that was begun outside a transaction and whose end is not recorded.</summary>
    internal int? StatementRunning { get; init; }

    internal required DateTime StartedAt { get; init; }

    internal DateTime? FinishedAt { get; init; }

    internal long? DurationMilliseconds { get; init; }

    internal required string AppliedBy { get; init; }

    internal required string Host { get; init; }

    internal required string ToolVersion { get; init; }

    internal string? Error { get; init; }

    internal string? Reason { get; init; }

    internal string? BackupId { get; init; }

    /// <summary>What its statements had left in their session, while it is unfinished: names and values, as JSON.</summary>
    internal string? SessionState { get; init; }

    internal string? Script { get; init; }

    /// <summary>Whether it has a place in the order of versions.</summary>
    internal bool HasVersion => Kind is not (MigrationKind.Repeatable or MigrationKind.Seed or MigrationKind.Adoption);

    /// <summary>Whether the database holds this version.</summary>
    internal bool IsApplied => State is HistoryState.Applied or HistoryState.Baselined or HistoryState.Resolved;

    /// <summary>Whether an import took another tool's word for it, on a person's, without a script of its own.</summary>
    internal bool IsSkipped => State == HistoryState.Baselined && Kind != MigrationKind.Baseline && Checksum.Length == 0;

    /// <summary>Whether it began outside a transaction and never came to its end.</summary>
    internal bool IsUnfinished => State == HistoryState.Started || (State == HistoryState.Failed && !Transactional);

    /// <summary>The row that an entry will be.</summary>
    internal static HistoryRow Of(HistoryEntry entry) => new()
    {
        Id = long.MaxValue,
        Version = entry.Version,
        Name = entry.Name,
        Kind = entry.Kind,
        Checksum = entry.Checksum,
        State = entry.State,
        Transactional = entry.Transactional,
        StatementsTotal = entry.StatementsTotal,
        StatementsDone = entry.StatementsDone,
        StartedAt = DateTime.UtcNow,
        FinishedAt = DateTime.UtcNow,
        AppliedBy = "",
        Host = "",
        ToolVersion = "",
        Error = entry.Error,
        Reason = entry.Reason,
        Script = entry.Script,
    };

    /// <inheritdoc/>
    public override string ToString() => HasVersion ? $"{Version}_{Name}" : Version;
}
