using System.Globalization;
using Microsoft.Extensions.Logging;
using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Locking;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Running;

/// <summary>The session that runs the migrations. Each begins with the same settings, whatever the one before has set.</summary>
internal sealed class MigrationSession : IAsyncDisposable
{
    private const string PreparedBeginning = "pgops_begin";
    private const string PreparedRecording = "pgops_before_record";
    private const string PreparedRecordingOfMore = "pgops_before_record_of_more";

    /// <summary>
    /// Fails before a row is written when something has changed client_encoding: everything is sent as UTF-8, and what came after the
    /// change would be stored as other letters.
    /// </summary>
    private const string EncodingCheck = ", 1 / (pg_catalog.current_setting('client_encoding') = 'UTF8')::int";

    private readonly MigrationRequest _request;
    private readonly ILogger _log;
    private readonly long _key;
    private string _settings = "";
    private string _historySettings = "";
    private string _historySettingsOfMore = "";
    private SessionRecord? _record;
    private HistoryTable? _preparedFor;
    private bool _prepared;
    private bool _begun;
    private bool _routinesLeaveState;
    private bool _worn;
    private volatile int _process;

    private MigrationSession(MigrationRequest request, ILogger log, NpgsqlConnection connection)
    {
        _request = request;
        _log = log;
        _key = MigrationLock.WorkerKey(request.HistorySchema);
        Connection = connection;
    }

    internal NpgsqlConnection Connection { get; private set; }

    /// <summary>What can be told of the state that statements leave in it.</summary>
    internal SessionRecord Record => _record!;

    /// <summary>The server's process that serves the session now.</summary>
    internal int Process => _process;

    /// <summary>Opens the session, lets the server drop it soon after its migrator has died, and holds the worker's key.</summary>
    internal static async Task<MigrationSession> OpenAsync(MigrationRequest request, ILogger log, CancellationToken cancellationToken)
    {
        var connection = await ServerConnection.OpenAsync(request.Target, log, cancellationToken, Hiding(request)).ConfigureAwait(false);
        var session = new MigrationSession(request, log, connection);
        return await session.OrDisposeAsync(async () =>
        {
            await session.BeginAsync(cancellationToken).ConfigureAwait(false);
            return session;
        }).ConfigureAwait(false);
    }

    /// <summary>
    /// Whether a migration must be alone on its connection, for it, or routines of the database, may leave something on it.
    /// </summary>
    internal bool WearsOut(MigrationScript script)
        => _routinesLeaveState || script.Statements.Any(ConnectionState.MayBeLeftBy);

    /// <summary>
    /// Makes the session ready for a migration, or several that leave nothing on it: a new connection takes its place where what ran
    /// before may have left what no command takes back. The key is held without a gap.
    /// </summary>
    /// <param name="scripts">What runs next.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal async Task RenewAsync(IReadOnlyList<MigrationScript> scripts, CancellationToken cancellationToken)
    {
        if (_worn)
        {
            var old = Connection;
            Connection = await ServerConnection.OpenAsync(_request.Target, _log, cancellationToken, Hiding(_request)).ConfigureAwait(false);
            await using (old.ConfigureAwait(false))
            {
                await BeginAsync(cancellationToken).ConfigureAwait(false);
            }

            if (_preparedFor is { } table && !_routinesLeaveState)
            {
                await PrepareAsync(table, cancellationToken).ConfigureAwait(false);
            }
        }

        _worn = scripts.Any(WearsOut);
    }

    /// <summary>A script's notices may say the values of its secret placeholders.</summary>
    private static Func<string, string>? Hiding(MigrationRequest request) => request.Variables is { } variables ? variables.Hide : null;

    private async Task BeginAsync(CancellationToken cancellationToken)
    {
        _process = Connection.ProcessID;
        (_prepared, _begun) = (false, false);
        await AdvisoryLock.ShareAsync(Connection, _key, cancellationToken).ConfigureAwait(false);
        var settings = await SettingsAsync(Connection, _request, cancellationToken).ConfigureAwait(false);
        _settings = SessionSettings.Set(settings);
        _record = new SessionRecord(settings);

        // Local, so that what the script has set holds again for its next statement.
        List<(string Name, string Value)> history = [.. settings.Take(2), ("search_path", "pg_catalog, pg_temp")];
        _historySettings = SessionSettings.Set(history, local: true) + EncodingCheck;
        _historySettingsOfMore = SessionSettings.Set([.. history, ("synchronous_commit", "off")], local: true) + EncodingCheck;
        _routinesLeaveState = await Connection.ScalarAsync<bool>(
            ConnectionState.RoutinesQuery(Connection.PostgreSqlVersion.Major), cancellationToken, ConnectionState.Words)
                .ConfigureAwait(false);
    }

    /// <summary>Takes the worker's key again, which DISCARD ALL lets go.</summary>
    internal Task HoldKeyAsync(CancellationToken cancellationToken) => AdvisoryLock.ShareAsync(Connection, _key, cancellationToken);

    /// <summary>
    /// The commands that give a migration the session that a new connection would: nothing of what the one before it has left. They are
    /// a transaction of their own, for the migration's must begin under its own defaults, not under those that another file has set.
    /// What they cannot take back is <see cref="RenewAsync"/>'s. The worker's key is kept.
    /// </summary>
    internal IReadOnlyList<NpgsqlBatchCommand> Preamble()
    {
        List<NpgsqlBatchCommand> commands =
        [
            new("BEGIN"), new("CLOSE ALL"), new("UNLISTEN *"), new("DISCARD TEMP"), new("DISCARD SEQUENCES"), new("RESET ALL"),
        ];
        if (_begun)
        {
            commands.Add(new(AdvisoryLock.KeepShared(_key)));
        }

        commands.Add(new(_prepared ? $"EXECUTE {PreparedBeginning}" : _settings));
        commands.Add(new("COMMIT"));
        _begun = true;
        return commands;
    }

    /// <summary>Whether a command failed because client_encoding is no longer UTF8.</summary>
    internal static bool IsEncodingCheck(PostgresException error)
        => error.SqlState == PostgresErrorCodes.DivisionByZero && error.BatchCommand?.CommandText is { } text
            && (text.EndsWith(EncodingCheck, StringComparison.Ordinal)
                || text is $"EXECUTE {PreparedRecording}" or $"EXECUTE {PreparedRecordingOfMore}");

    /// <summary>Opens the session again where an error has closed it: the driver does that for some of the server's codes.</summary>
    internal async Task EnsureOpenAsync(CancellationToken cancellationToken)
    {
        if (Connection.State != System.Data.ConnectionState.Open)
        {
            _worn = true;
            await RenewAsync([], cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>A batch that puts the session's settings back to what every migration begins with.</summary>
    internal NpgsqlBatch NewBatch()
    {
        var batch = NewPlainBatch();
        batch.BatchCommands.Add(new("RESET ALL"));
        batch.BatchCommands.Add(new(_settings));
        return batch;
    }

    /// <summary>Puts the session's settings back to that.</summary>
    internal async Task ResetAsync(CancellationToken cancellationToken)
    {
        var batch = NewBatch();
        await using (batch.ConfigureAwait(false))
        {
            await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>A history command with the settings that it needs, whatever the script has set: for use inside a transaction.</summary>
    internal IEnumerable<NpgsqlBatchCommand> Recording(NpgsqlBatchCommand history)
        => [new(_historySettings), history];

    /// <summary>Appends a history row with the settings that it needs: for use inside a transaction.</summary>
    /// <param name="table">The history.</param>
    /// <param name="entry">The row.</param>
    /// <param name="moreFollow">
    /// Whether another transaction of the same round trip follows: then this one does not wait for the disk. The last one's commit
    /// brings all before it to the disk (and to synchronous standbys) with it, for WAL is written in order.
    /// </param>
    internal IEnumerable<NpgsqlBatchCommand> Recording(HistoryTable table, HistoryEntry entry, bool moreFollow)
        => _prepared
            ? [new($"EXECUTE {(moreFollow ? PreparedRecordingOfMore : PreparedRecording)}"), MigrationHistory.AppendPrepared(entry)]
            : [new(moreFollow ? _historySettingsOfMore : _historySettings), MigrationHistory.Append(table, entry)];

    /// <summary>
    /// Prepares what comes around every migration: its settings and the row that it appends. To plan them takes the server longer than
    /// to run them; it pays from a handful of migrations on.
    /// </summary>
    internal async Task PrepareAsync(HistoryTable table, CancellationToken cancellationToken)
    {
        var batch = NewPlainBatch();
        await using (batch.ConfigureAwait(false))
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand("BEGIN"));
            batch.BatchCommands.Add(new NpgsqlBatchCommand($"PREPARE {PreparedBeginning} AS {_settings}"));
            batch.BatchCommands.Add(new NpgsqlBatchCommand($"PREPARE {PreparedRecording} AS {_historySettings}"));
            batch.BatchCommands.Add(new NpgsqlBatchCommand($"PREPARE {PreparedRecordingOfMore} AS {_historySettingsOfMore}"));
            foreach (var command in Recording(new NpgsqlBatchCommand(table.PrepareStatement)))
            {
                batch.BatchCommands.Add(command);
            }

            batch.BatchCommands.Add(new NpgsqlBatchCommand("COMMIT"));
            await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }

        (_prepared, _preparedFor) = (true, table);
    }

    /// <summary>A script has dropped the prepared commands (DISCARD, DEALLOCATE ALL), so they are not used again.</summary>
    /// <returns>Whether they were in use.</returns>
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
        NpgsqlInternals.AskForText(batch);
        return batch;
    }

    /// <summary>Leaves an aborted transaction, if there is one.</summary>
    internal async Task RollbackAsync()
    {
        try
        {
            // Asked without a warning in the log: outside of a transaction this is an error, and in one ROLLBACK is due.
            await Connection.ExecuteAsync("SAVEPOINT pgops_within", CancellationToken.None).ConfigureAwait(false);
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.NoActiveSqlTransaction)
        {
            return;
        }
        catch (Exception error) when (error is NpgsqlException or InvalidOperationException)
        {
            // An aborted transaction, which ROLLBACK ends; or the session is gone, and says so again.
        }

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

    /// <summary>What every migration begins with; who runs it comes first, because RESET ALL leaves that alone.</summary>
    private static async Task<List<(string Name, string Value)>> SettingsAsync(
        NpgsqlConnection connection, MigrationRequest request, CancellationToken cancellationToken)
    {
        // The role is not always 'none': ALTER ROLE … SET role makes a login work as the owner of everything.
        var (user, role) = (await connection.QueryAsync(
            "SELECT session_user::text, pg_catalog.current_setting('role')", row => (row.GetString(0), row.GetString(1)), cancellationToken)
            .ConfigureAwait(false))[0];
        var settings = new List<(string Name, string Value)>
        {
            ("session_authorization", user),
            ("role", role),
            ("lock_timeout", Milliseconds(request.LockTimeout)),
            ("statement_timeout", Milliseconds(request.StatementTimeout)),
        };
        settings.AddRange(SessionSilence.Settings(connection, request.Silence));
        if (request.Target.Schema is { } schema)
        {
            settings.Add(("search_path", Quote.Identifier(schema)));
        }

        if (connection.PostgreSqlVersion.Major >= 14)
        {
            try
            {
                await connection.ExecuteAsync("SET client_connection_check_interval = '2s'", cancellationToken).ConfigureAwait(false);
                settings.Add(("client_connection_check_interval", "2s"));
            }
            catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.InvalidParameterValue)
            {
                // A server on a platform that cannot poll a socket for its end, such as Windows.
            }
        }

        return settings;
    }

    private static string Milliseconds(TimeSpan time) => ((long)time.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
}
