using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations;

/// <summary>What to migrate and how.</summary>
public sealed record MigrationRequest
{
    /// <summary>The database.</summary>
    public required PgTarget Target { get; init; }

    /// <summary>The folder with the migrations.</summary>
    public required string Path { get; init; }

    /// <summary>Stop after this version; null applies all.</summary>
    public string? ToVersion { get; init; }

    /// <summary>Record the folder's migrations as already present instead of running them.</summary>
    public bool Baseline { get; init; }

    /// <summary>Apply files whose version lies below the newest applied one.</summary>
    public bool AllowOutOfOrder { get; init; }

    /// <summary>Migrate a database that has objects but no history, as it is.</summary>
    public bool AllowNotEmpty { get; init; }

    /// <summary>Longest wait for another migrator.</summary>
    public TimeSpan WaitTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Longest wait for a lock on a table (lock_timeout). Zero waits without limit.</summary>
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Longest run of a statement (statement_timeout). Zero sets no limit.</summary>
    public TimeSpan StatementTimeout { get; init; } = TimeSpan.Zero;

    /// <summary>How often a migration that met a lock timeout or a deadlock is tried again.</summary>
    public int LockRetries { get; init; } = 5;

    /// <summary>Schema of the history table.</summary>
    public string HistorySchema { get; init; } = HistoryTable.DefaultSchema;

    /// <summary>Take an empty folder, and a file without a statement, for an error.</summary>
    public bool Strict { get; init; }

    /// <summary>The oldest backup that counts as proof.</summary>
    public TimeSpan MaxProofAge { get; init; } = TimeSpan.FromDays(1);

    /// <summary>Run the folder's seeds after the migrations, those that are new or changed.</summary>
    public bool Seed { get; init; }

    /// <summary>Values for placeholders in the scripts; null leaves them as they are.</summary>
    public ScriptVariables? Variables { get; init; }

    /// <summary>
    /// Migrate the target's schema for itself, as one tenant of many: its history lies in it, and what other schemas hold does not matter.
    /// </summary>
    internal bool SchemaAlone { get; init; }

    /// <summary>The same request for one schema that stands alone.</summary>
    /// <param name="target">The database with the schema set, as <c>FindSchemas</c> gives it.</param>
    /// <returns>A request whose history, lock and guards are that schema's.</returns>
    public MigrationRequest ForSchema(PgTarget target)
    {
        ArgumentNullException.ThrowIfNull(target);
        return this with { Target = target, HistorySchema = target.Schema ?? HistorySchema, SchemaAlone = target.Schema is not null };
    }

    /// <summary>The drill of the backup behind this run; null when there is none. A failed one refuses the run.</summary>
    public PgDrill? Proof { get; init; }

    /// <summary>
    /// Called once before the first migration runs, and not when none is pending; what it throws ends the run before anything is changed.
    /// </summary>
    public Func<CancellationToken, Task>? BeforeFirst { get; init; }

    /// <summary>
    /// How long a session of the run may hear nothing from its other end before it counts as lost: a network can go silent without
    /// closing a connection.
    /// </summary>
    internal TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The same request with time for the longest of these scripts to travel at 100 kB/s: the server waits for its end.</summary>
    internal MigrationRequest WithTimeToSend(IEnumerable<MigrationScript> scripts)
        => this with { Silence = Silence + TimeSpan.FromSeconds(scripts.Max(script => script.Text.Length) / 100_000) };

    /// <summary>Id of the proven backup; recorded with each migration.</summary>
    internal string? BackupId => Proof?.Backup.Id;
}
