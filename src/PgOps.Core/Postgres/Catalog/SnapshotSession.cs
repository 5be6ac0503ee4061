using Npgsql;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>
/// A read-only REPEATABLE READ transaction with every setting pinned that changes how values are written as text, so that a
/// fingerprint taken today equals one taken elsewhere tomorrow (pg_dump's setup_connection does the same for its own output).
/// </summary>
internal sealed class SnapshotSession : IAsyncDisposable
{
    private const int LocksPerStatement = 200;

    // SET LOCAL and not SET: the settings belong to the transaction, and no pooler can part them from it. They are not queries, so
    // an imported snapshot can still follow.
    private const string Begin = """
        BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
        SET LOCAL statement_timeout = 0;
        SET LOCAL lock_timeout = 0;
        SET LOCAL idle_in_transaction_session_timeout = 0;
        SET LOCAL search_path = '';
        SET LOCAL DateStyle = 'ISO, MDY';
        SET LOCAL TimeZone = 'UTC';
        SET LOCAL IntervalStyle = 'postgres';
        SET LOCAL extra_float_digits = 3;
        SET LOCAL bytea_output = 'hex';
        SET LOCAL xmlbinary = 'base64';
        SET LOCAL lc_monetary = 'C';
        SET LOCAL quote_all_identifiers = off;
        SET LOCAL standard_conforming_strings = on;
        SET LOCAL row_security = off;
        SET LOCAL synchronize_seqscans = off
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
    /// <param name="prepare">What to do on the idle session before the transaction begins; null for nothing.</param>
    internal static async Task<SnapshotSession> OpenAsync(
        PgTarget target,
        string? snapshot,
        CancellationToken cancellationToken,
        Func<NpgsqlConnection, CancellationToken, Task>? prepare = null)
    {
        var connection = await ServerConnection.OpenAsync(target, null, cancellationToken).ConfigureAwait(false);
        try
        {
            if (prepare is not null)
            {
                await prepare(connection, cancellationToken).ConfigureAwait(false);
            }

            await connection.ExecuteAsync(Statements(connection, snapshot), cancellationToken).ConfigureAwait(false);
            return new SnapshotSession(target, connection);
        }
        catch (Exception error)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            if (snapshot is not null && error is PostgresException { SqlState: PostgresErrorCodes.InvalidParameterValue })
            {
                throw new PgOpsException(
                    PgErrorCode.ConnectionLost,
                    $"{target}: the session that held the snapshot is gone, so no other can join it.",
                    nextStep: "The server, a person or the network ended it: look into the server's log, then run the command again.",
                    innerException: error);
            }

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

    /// <summary>Locks tables as pg_dump does, so that none is dropped, truncated or rewritten before everybody has read it.</summary>
    /// <param name="tables">The tables.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>How many there were.</returns>
    internal async Task<int> LockAsync(IEnumerable<DumpedTable> tables, CancellationToken cancellationToken)
    {
        var locked = 0;
        foreach (var some in tables.Where(table => !table.IsLargeObjects).Chunk(LocksPerStatement))
        {
            var names = string.Join(", ", some.Select(table => "ONLY " + table.Qualified));
            await Connection.ExecuteAsync($"LOCK TABLE {names} IN ACCESS SHARE MODE", cancellationToken).ConfigureAwait(false);
            locked += some.Length;
        }

        return locked;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Connection.DisposeAsync();

    private static string Statements(NpgsqlConnection connection, string? snapshot)
    {
        // A server that does not know the encoding must not check the bytes against one.
        var encoding = connection.PostgresParameters.TryGetValue("server_encoding", out var known) && known == "SQL_ASCII" ? known : "UTF8";
        var statements = $"{Begin}; SET LOCAL client_encoding = '{encoding}'";
        if (connection.VersionNumber() >= 170000)
        {
            statements += "; SET LOCAL transaction_timeout = 0";
        }

        return snapshot is null ? statements : $"{statements}; SET TRANSACTION SNAPSHOT {Quote.Literal(snapshot)}";
    }
}
