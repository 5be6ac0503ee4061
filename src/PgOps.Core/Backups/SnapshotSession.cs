using Npgsql;
using PgOps.Core.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Backups;

/// <summary>
/// A read-only REPEATABLE READ transaction with every setting pinned that changes how values are written as text, so that a
/// fingerprint taken today equals one taken elsewhere tomorrow (pg_dump's setup_connection does the same for its own output).
/// </summary>
internal sealed class SnapshotSession : IAsyncDisposable
{
    private const string Pinned = """
        SELECT pg_catalog.set_config(name, value, false)
        FROM (VALUES ('search_path', ''), ('DateStyle', 'ISO, MDY'), ('TimeZone', 'UTC'), ('IntervalStyle', 'postgres'),
                     ('extra_float_digits', '3'), ('bytea_output', 'hex'), ('xmlbinary', 'base64'), ('lc_monetary', 'C'),
                     ('quote_all_identifiers', 'off'), ('row_security', 'off'), ('synchronize_seqscans', 'off'),
                     ('lock_timeout', '0'), ('idle_in_transaction_session_timeout', '0'),
                     ('client_encoding', CASE pg_catalog.current_setting('server_encoding') WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END))
             AS pinned (name, value)
        """;

    private SnapshotSession(PgTarget target, NpgsqlConnection connection)
    {
        Target = target;
        Connection = connection;
    }

    /// <summary>Where it leads.</summary>
    internal PgTarget Target { get; }

    /// <summary>The session, inside its transaction.</summary>
    internal NpgsqlConnection Connection { get; }

    /// <summary>Opens a session and its transaction.</summary>
    /// <param name="target">The database.</param>
    /// <param name="snapshot">An exported snapshot to read in; null takes a new one.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task<SnapshotSession> OpenAsync(PgTarget target, string? snapshot, CancellationToken cancellationToken)
    {
        var connection = await ServerConnection.OpenAsync(target, null, cancellationToken).ConfigureAwait(false);
        try
        {
            // First and alone: the database's or the role's own limit may be too short for the rest.
            await connection.ExecuteAsync("SET statement_timeout = 0", cancellationToken).ConfigureAwait(false);
            await connection.ExecuteAsync(Pinned, cancellationToken).ConfigureAwait(false);
            if (connection.VersionNumber() >= 170000)
            {
                await connection.ExecuteAsync("SET transaction_timeout = 0", cancellationToken).ConfigureAwait(false);
            }

            await connection.ExecuteAsync("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", cancellationToken).ConfigureAwait(false);
            if (snapshot is not null)
            {
                await connection.ExecuteAsync($"SET TRANSACTION SNAPSHOT {Quote.Literal(snapshot)}", cancellationToken).ConfigureAwait(false);
            }

            return new SnapshotSession(target, connection);
        }
        catch (Exception error)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            if (error is NpgsqlException)
            {
                throw ServerErrors.Working(target, error, "opening a session in the snapshot");
            }

            throw;
        }
    }

    /// <summary>Exports the transaction's snapshot; it lives as long as the transaction.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The snapshot's name, for <c>SET TRANSACTION SNAPSHOT</c> and <c>pg_dump --snapshot</c>.</returns>
    internal async Task<string> ExportAsync(CancellationToken cancellationToken)
        => (await Connection.ScalarAsync<string>("SELECT pg_catalog.pg_export_snapshot()", cancellationToken).ConfigureAwait(false))!;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Connection.DisposeAsync();
}
