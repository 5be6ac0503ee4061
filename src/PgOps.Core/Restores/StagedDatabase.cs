using Npgsql;
using PgOps.Core.Postgres.Catalog;

namespace PgOps.Core.Restores;

/// <summary>What the step "stage" hands on: an empty database that is ready to be loaded. Its destination cleans it up.</summary>
/// <param name="Session">A session that may alter the database.</param>
/// <param name="Target">The way to it.</param>
internal sealed record StagedDatabase(NpgsqlConnection Session, PgTarget Target)
{
    /// <summary>Those of the database's own settings, which the server takes, that are applied when everything else is done.</summary>
    internal IReadOnlyList<DatabaseSetting> Settings { get; init; } = [];

    /// <summary>What to say about them; null when nobody asked for settings.</summary>
    internal PgCheck? SettingsCheck { get; init; }

    /// <summary>Objects that were there before: the provider's.</summary>
    internal IReadOnlySet<ObjectName> ObjectsBefore { get; init; } = new HashSet<ObjectName>();

    /// <summary>
    /// Says by schema and name which tables and sequences are the restore's: what was there before may be closed to the role. Null for all.
    /// </summary>
    internal Func<string, string, bool>? Wanted { get; init; }
}
