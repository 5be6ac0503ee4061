using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Npgsql;
using PgOps.Core.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations;

/// <summary>The session that runs the migrations. Each begins with the same settings, whatever the one before has set.</summary>
internal sealed class MigrationSession : IAsyncDisposable
{
    private readonly List<string> _preamble;
    private readonly string[] _historySettings;
    private readonly long _key;
    private bool _prepared;

    private MigrationSession(NpgsqlConnection connection, List<string> preamble, string role, long key)
    {
        Connection = connection;
        _preamble = preamble;
        _key = key;

        // Local, so that what the script has set holds again for its next statement.
        _historySettings =
        [
            "SET LOCAL SESSION AUTHORIZATION DEFAULT",
            $"SET LOCAL ROLE {(role == "none" ? "NONE" : Quote.Identifier(role))}",
            "SET LOCAL search_path = pg_catalog, pg_temp",
        ];
    }

    internal NpgsqlConnection Connection { get; }

    /// <summary>The commands that put the session's settings back to what every migration begins with.</summary>
    internal IEnumerable<NpgsqlBatchCommand> Preamble => _preamble.Select(statement => new NpgsqlBatchCommand(statement));

    /// <summary>Opens the session, lets the server drop it soon after its migrator has died, and holds the worker's key.</summary>
    internal static async Task<MigrationSession> OpenAsync(MigrationRequest request, ILogger log, CancellationToken cancellationToken)
    {
        var connection = await ServerConnection.OpenAsync(request.Target, log, cancellationToken).ConfigureAwait(false);
        try
        {
            var key = MigrationLock.WorkerKey(request.HistorySchema);
            await HoldKeyAsync(connection, key, cancellationToken).ConfigureAwait(false);

            // Not always 'none': ALTER ROLE … SET role makes a login work as the owner of everything.
            var role = await connection.ScalarAsync<string>("SELECT pg_catalog.current_setting('role')", cancellationToken)
                .ConfigureAwait(false);
            var preamble = await PreambleAsync(connection, request, cancellationToken).ConfigureAwait(false);
            return new MigrationSession(connection, preamble, role ?? "none", key);
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Takes the worker's key again, which DISCARD ALL lets go.</summary>
    internal Task HoldKeyAsync(CancellationToken cancellationToken) => HoldKeyAsync(Connection, _key, cancellationToken);

    /// <summary>A batch that puts the session's settings back to what every migration begins with.</summary>
    internal NpgsqlBatch NewBatch()
    {
        var batch = NewPlainBatch();
        foreach (var command in Preamble)
        {
            batch.BatchCommands.Add(command);
        }

        return batch;
    }

    /// <summary>A history command with the settings that it needs, whatever the script has set: for use inside a transaction.</summary>
    internal IEnumerable<NpgsqlBatchCommand> Recording(NpgsqlBatchCommand history)
        => _historySettings.Select(statement => new NpgsqlBatchCommand(statement)).Append(history);

    /// <summary>Appends a history row with the settings that it needs: for use inside a transaction.</summary>
    internal IEnumerable<NpgsqlBatchCommand> Recording(HistoryTable table, HistoryEntry entry)
        => Recording(_prepared ? MigrationHistory.AppendPrepared(entry) : MigrationHistory.Append(table, entry));

    /// <summary>Prepares the command that appends a history row, which pays from a handful of migrations on.</summary>
    internal async Task PrepareRecordingAsync(HistoryTable table, CancellationToken cancellationToken)
    {
        var batch = NewPlainBatch();
        await using (batch.ConfigureAwait(false))
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand("BEGIN"));
            foreach (var command in Recording(new NpgsqlBatchCommand(table.PrepareStatement)))
            {
                batch.BatchCommands.Add(command);
            }

            batch.BatchCommands.Add(new NpgsqlBatchCommand("COMMIT"));
            await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }

        _prepared = true;
    }

    /// <summary>A script has dropped the prepared command (DISCARD, DEALLOCATE ALL), so it is not used again.</summary>
    /// <returns>Whether it was in use.</returns>
    internal bool ForgetPrepared()
    {
        var was = _prepared;
        _prepared = false;
        return was;
    }

    /// <summary>
    /// A batch for the script's statements. Rows that they give are asked for as text: not every type has a binary form
    /// (aclitem has none), and the driver lets only its commands say so, not its batches.
    /// </summary>
    internal NpgsqlBatch NewPlainBatch()
    {
        var batch = new NpgsqlBatch(Connection) { Timeout = 0 };
        AskForText(batch, true);
        return batch;
    }

    /// <summary>Feeds a COPY … FROM STDIN with its inline data.</summary>
    internal async Task CopyAsync(SqlStatement statement, ReadOnlyMemory<char> data, CancellationToken cancellationToken)
    {
        var writer = await Connection.BeginTextImportAsync(statement.Text, cancellationToken).ConfigureAwait(false);
        await using (writer.ConfigureAwait(false))
        {
            await writer.WriteAsync(data, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Leaves an aborted transaction, if there is one.</summary>
    internal async Task RollbackAsync()
    {
        try
        {
            await Connection.ExecuteAsync("ROLLBACK", CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception error) when (error is NpgsqlException or InvalidOperationException)
        {
            // The session is gone, and its transaction with it.
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Connection.DisposeAsync();

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_AllResultTypesAreUnknown")]
    private static extern void AskForText(NpgsqlBatch batch, bool value);

    private static async Task HoldKeyAsync(NpgsqlConnection connection, long key, CancellationToken cancellationToken)
        => await connection.ExecuteAsync("SELECT pg_catalog.pg_advisory_lock_shared($1)", cancellationToken, key).ConfigureAwait(false);

    private static async Task<List<string>> PreambleAsync(
        NpgsqlConnection connection, MigrationRequest request, CancellationToken cancellationToken)
    {
        var preamble = new List<string>
        {
            "RESET SESSION AUTHORIZATION",
            "RESET ROLE",
            "RESET ALL",
            $"SET lock_timeout = {(long)request.LockTimeout.TotalMilliseconds}",
            $"SET statement_timeout = {(long)request.StatementTimeout.TotalMilliseconds}",
        };
        preamble.Add(SessionSilence.Setting(connection, request.Silence));
        if (request.Target.Schema is { } schema)
        {
            preamble.Add($"SET search_path = {Quote.Identifier(schema)}");
        }

        if (connection.PostgreSqlVersion.Major >= 14)
        {
            const string CheckConnection = "SET client_connection_check_interval = '2s'";
            try
            {
                await connection.ExecuteAsync(CheckConnection, cancellationToken).ConfigureAwait(false);
                preamble.Add(CheckConnection);
            }
            catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.InvalidParameterValue)
            {
                // A server on a platform that cannot poll a socket for its end, such as Windows.
            }
        }

        return preamble;
    }
}
