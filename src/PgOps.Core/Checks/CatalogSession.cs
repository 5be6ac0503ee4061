using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Checks;

/// <summary>A read-only look into one database's catalogs, in one snapshot. A query that is refused leaves the others possible.</summary>
internal sealed class CatalogSession : IAsyncDisposable
{
    private readonly SnapshotSession _session;

    private CatalogSession(SnapshotSession session, DatabaseThresholds thresholds)
    {
        _session = session;
        Thresholds = thresholds;
    }

    /// <summary>From where on something is found.</summary>
    internal DatabaseThresholds Thresholds { get; }

    /// <summary>The session, in its transaction.</summary>
    internal NpgsqlConnection Connection => _session.Connection;

    /// <summary>server_version_num.</summary>
    internal int Version => Connection.VersionNumber();

    /// <summary>Opens it. Nothing is waited for behind a lock for more than 5 s.</summary>
    internal static async Task<CatalogSession> OpenAsync(
        PgTarget target, DatabaseThresholds thresholds, CancellationToken cancellationToken)
    {
        var session = await SnapshotSession.OpenAsync(target, null, cancellationToken).ConfigureAwait(false);
        return await session.OrDisposeAsync(async () =>
        {
            await session.Connection.ExecuteAsync("SET LOCAL lock_timeout = '5s'", cancellationToken).ConfigureAwait(false);
            return new CatalogSession(session, thresholds);
        }).ConfigureAwait(false);
    }

    /// <summary>Does something that the server may refuse.</summary>
    /// <returns>The refusal; null when there was none.</returns>
    internal async Task<PostgresException?> TryAsync(Func<Task> ask, CancellationToken cancellationToken)
    {
        await Connection.ExecuteAsync("SAVEPOINT inspection", cancellationToken).ConfigureAwait(false);
        try
        {
            await ask().ConfigureAwait(false);
            return null;
        }
        catch (PostgresException refusal) when (!ServerErrors.IsLost(refusal))
        {
            cancellationToken.ThrowIfCancellationRequested();
            await Connection.ExecuteAsync("ROLLBACK TO SAVEPOINT inspection", cancellationToken).ConfigureAwait(false);
            return refusal;
        }
    }

    /// <summary>Asks a query for findings: object, whether it is an error, what is wrong, what to do next.</summary>
    internal Task<List<PgFinding>> FindAsync(
        PgFindingKind kind, string sql, CancellationToken cancellationToken, params object[] parameters)
        => Connection.QueryAsync(
            $"SELECT object::text, error, problem::text, next::text FROM ({sql}) f(object, error, problem, next) ORDER BY error DESC, 1",
            row => new PgFinding
            {
                Kind = kind,
                Object = row.GetString(0),
                Severity = row.GetBoolean(1) ? PgFindingSeverity.Error : PgFindingSeverity.Warning,
                Problem = row.GetString(2),
                NextStep = row.GetString(3),
            },
            cancellationToken,
            parameters);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _session.DisposeAsync();
}
