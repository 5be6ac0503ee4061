using Npgsql;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>The schema objects of one database.</summary>
internal sealed class ObjectInventory
{
    private const int FirstVersion = 1;

    private readonly Dictionary<ObjectName, SchemaObject> _objects = [];

    private readonly bool _withInternalOptions;

    private ObjectInventory(int serverMajor, bool withInternalOptions = false)
    {
        ServerMajor = serverMajor;
        _withInternalOptions = withInternalOptions;
    }

    /// <summary>The server's major version.</summary>
    internal int ServerMajor { get; }

    /// <summary>The objects.</summary>
    internal IReadOnlyDictionary<ObjectName, SchemaObject> Objects => _objects;

    /// <summary>Reads those of a live database, in a snapshot.</summary>
    /// <param name="target">The database.</param>
    /// <param name="snapshot">An exported snapshot; null takes a new one.</param>
    /// <param name="keepTexts">Whether to keep the definitions beside their hashes.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <exception cref="PgOpsException">A connection's error, or StatementFailed.</exception>
    internal static async Task<ObjectInventory> ReadAsync(
        PgTarget target, string? snapshot, bool keepTexts, CancellationToken cancellationToken)
    {
        var session = await SnapshotSession.OpenAsync(target, snapshot, cancellationToken).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            try
            {
                return await ReadAsync(
                    session.Connection, ObjectQueries.For(session.Connection.VersionNumber()), keepTexts,
                    cancellationToken).ConfigureAwait(false);
            }
            catch (NpgsqlException error)
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw ServerErrors.Working(target, error, "listing the schema objects");
            }
        }
    }

    /// <summary>What a manifest says; null where it says nothing that can be compared.</summary>
    internal static ObjectInventory? From(PgBackupManifest manifest)
    {
        // The first version is read: it has no definitions beside their hashes, and columns with their internal options.
        if (manifest.Objects is not { Version: FirstVersion or PgObjectInventory.CurrentVersion, Kinds: not null } recorded)
        {
            return null;
        }

        var inventory = new ObjectInventory(
            manifest.Server.VersionNumber / 10000,
            recorded.Version == FirstVersion && InternalOptions.AreKeptBy(manifest.Server.VersionNumber));
        foreach (var (kind, objects) in recorded.Kinds)
        {
            foreach (var (name, mark) in objects)
            {
                inventory._objects[new(kind, name)] = new SchemaObject(mark, recorded.Definitions?.GetValueOrDefault(mark));
            }
        }

        return inventory;
    }

    /// <summary>
    /// Whether an object's definition may have been hashed with internal options, so that it says nothing when it differs.
    /// </summary>
    internal bool MayHoldInternalOptions(ObjectName name) => _withInternalOptions && name.Kind == "column";

    /// <summary>For the manifest.</summary>
    internal PgObjectInventory Record() => new()
    {
        Definitions = _objects.Values.Where(one => one.Definition is { Length: <= PgObjectInventory.LongestDefinition })
            .DistinctBy(one => one.Mark).OrderBy(one => one.Mark, StringComparer.Ordinal)
                .ToDictionary(one => one.Mark, one => one.Definition!),
        Kinds = _objects.GroupBy(one => one.Key.Kind).OrderBy(kind => kind.Key, StringComparer.Ordinal).ToDictionary(
            kind => kind.Key,
            IReadOnlyDictionary<string, string> (kind) => kind.OrderBy(one => one.Key.Name, StringComparer.Ordinal)
                .ToDictionary(one => one.Key.Name, one => one.Value.Mark)),
    };

    /// <summary>Reads what some of the queries find, on a session that is in a snapshot.</summary>
    internal static async Task<ObjectInventory> ReadAsync(
        NpgsqlConnection session, IEnumerable<string> queries, bool keepTexts, CancellationToken cancellationToken)
    {
        var inventory = new ObjectInventory(session.PostgreSqlVersion.Major);
        foreach (var query in queries)
        {
            var rows = await session.QueryAsync(
                $"SELECT kind::text, name::text, coalesce(definition::text, ''), query FROM ({query}) o(kind, name, definition, query)",
                row => (Name: new ObjectName(
                    row.GetString(0), row.GetString(1)), Object: SchemaObject.Of(row.GetString(2), row.GetBoolean(3))),
                cancellationToken).ConfigureAwait(false);
            foreach (var (name, found) in rows)
            {
                inventory._objects[name] = keepTexts ? found : found with { Definition = null };
            }
        }

        return inventory;
    }
}
