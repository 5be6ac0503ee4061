using Npgsql;
using PgOps.Core.Backups;
using PgOps.Core.Connections;

namespace PgOps.Core.Objects;

/// <summary>The schema objects of one database.</summary>
internal sealed class ObjectInventory
{
    private readonly Dictionary<ObjectName, SchemaObject> _objects = [];

    private ObjectInventory(int serverMajor)
    {
        ServerMajor = serverMajor;
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
    internal static async Task<ObjectInventory> ReadAsync(PgTarget target, string? snapshot, bool keepTexts, CancellationToken cancellationToken)
    {
        var session = await SnapshotSession.OpenAsync(target, snapshot, cancellationToken).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            try
            {
                return await ReadAsync(
                    session.Connection, ObjectQueries.For(session.Connection.VersionNumber()), keepTexts, cancellationToken).ConfigureAwait(false);
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
        if (manifest.Objects is not { Version: PgObjectInventory.CurrentVersion, Kinds: not null } recorded)
        {
            return null;
        }

        var inventory = new ObjectInventory(manifest.Server.VersionNumber / 10000);
        foreach (var (kind, objects) in recorded.Kinds)
        {
            foreach (var (name, mark) in objects)
            {
                inventory._objects[new(kind, name)] = new SchemaObject(mark, null);
            }
        }

        return inventory;
    }

    /// <summary>For the manifest.</summary>
    internal PgObjectInventory Record() => new()
    {
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
                row => (Name: new ObjectName(row.GetString(0), row.GetString(1)), Object: SchemaObject.Of(row.GetString(2), row.GetBoolean(3))),
                cancellationToken).ConfigureAwait(false);
            foreach (var (name, found) in rows)
            {
                inventory._objects[name] = keepTexts ? found : found with { Definition = null };
            }
        }

        return inventory;
    }
}
