using PgOps.Core.Migrations.History;

namespace PgOps.Core.Reports;

/// <summary>What the document about an incident is begun from; everything may be missing.</summary>
public sealed record WritePostmortemRequest
{
    /// <summary>The Markdown file; null takes <c>docs/postmortems/yyyy-MM-dd-name.md</c> below <see cref="Folder"/>.</summary>
    public string? Path { get; init; }

    /// <summary>Where the folder <c>docs</c> is, or will be made, when no path is given.</summary>
    public string Folder { get; init; } = ".";

    /// <summary>The incident in a few words; null leaves a blank.</summary>
    public string? Title { get; init; }

    /// <summary>Replaces a file that is there.</summary>
    public bool Force { get; init; }

    /// <summary>What PgOps' operations gave, and exceptions.</summary>
    public IReadOnlyList<object> Records { get; init => field = value.ToArray(); } = [];

    /// <summary>The database whose migration history is read; null reads none.</summary>
    public PgTarget? Target { get; init; }

    /// <summary>Schema of its history table.</summary>
    public string HistorySchema { get; init; } = HistoryTable.DefaultSchema;

    /// <summary>The folder of backups with the drills' ledger; null reads none.</summary>
    public string? BackupPath { get; init; }

    /// <summary>Files that <c>-LogPath</c> of PgOps' cmdlets wrote.</summary>
    public IReadOnlyList<string> LogFiles { get; init => field = value.ToArray(); } = [];

    /// <summary>Nothing before this time.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Nothing after this time.</summary>
    public DateTimeOffset? Until { get; init; }

    internal bool Covers(DateTime at)
        => (Since is null || at >= Since.Value.UtcDateTime) && (Until is null || at <= Until.Value.UtcDateTime);
}
