using System.Data;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace PgOps.Core.Postgres.Connections;

/// <summary>Opens sessions on a target. Every PgOps session is a real one: unpooled, unprepared, without type loading.</summary>
internal static class ServerConnection
{
    /// <summary>Opens a session.</summary>
    /// <param name="target">Where to.</param>
    /// <param name="log">Receives the server's notices; null drops them.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="hide">Takes out of a notice what must not show; null shows it as it is.</param>
    /// <returns>An open connection that the caller disposes.</returns>
    /// <exception cref="PgOpsException">ConnectionFailed, PermissionDenied or PoolerDetected, with the way out.</exception>
    internal static async Task<NpgsqlConnection> OpenAsync(
        PgTarget target, ILogger? log, CancellationToken cancellationToken, Func<string, string>? hide = null)
    {
        var builder = Builder(target);
        using var files = ClientCertificate.Use(builder, target);
        var source = builder.Build();
        var connection = source.CreateConnection();

        // A data source has one session here and goes with it: it holds the password, and Npgsql's metrics keep hold of it.
        connection.StateChange += (_, change) =>
        {
            if (change.CurrentState == ConnectionState.Closed)
            {
                source.Dispose();
            }
        };
        try
        {
            if (log is not null)
            {
                connection.Notice += (_, e) => LogNotice(log, e.Notice, hide);
            }

            await connection.OpenAsync(cancellationToken).ConfigureAwait(false);
            log?.Connected(target, connection.VersionText(), connection.ProcessID);
            await SessionGround.PrepareAsync(connection, target, log, cancellationToken).ConfigureAwait(false);
            return connection;
        }
        catch (Exception error)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            await source.DisposeAsync().ConfigureAwait(false);
            if (error is OperationCanceledException or PgOpsException)
            {
                throw;
            }

            throw ServerErrors.Connecting(target, error);
        }
    }

    /// <summary>
    /// The driver with what PgOps reads and no more: text, numbers, dates and arrays of them. The mapping of every other type would cost
    /// the first connection of a process some 40 ms, and loading the server's types every connection a round trip.
    /// </summary>
    private static NpgsqlSlimDataSourceBuilder Builder(PgTarget target)
    {
        var builder = new NpgsqlSlimDataSourceBuilder(ConnectionString(target));
        builder.ConfigureTypeLoading(types => types.EnableTypeLoading(false));
        builder.EnableArrays();
        builder.EnableTransportSecurity();
        builder.EnableIntegratedSecurity();
        return builder;
    }

    /// <summary>Npgsql's connection string, <b>password included</b>: it must not leave the process.</summary>
    internal static string ConnectionString(PgTarget target)
    {
        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = target.Host,
            Port = target.Port,
            Database = target.Database,
            Username = target.Username,
            Password = target.Password?.Reveal(),
            RequireAuth = TargetGuarantees.DriverAuthentication(target.RequireAuth),
            ApplicationName = target.ApplicationName,
            Options = target.Options,
            Timeout = (int)Math.Min(1024, Math.Ceiling(target.ConnectTimeout.TotalSeconds)),
            CommandTimeout = 0,
            KeepAlive = 30,
            Pooling = false,
            Enlist = false,

            // A COPY of narrow rows costs the client a fifth less time than with the driver's 8 kB.
            ReadBufferSize = 64 * 1024,
            // Detail and the failing statement are what a person needs at three in the morning; they stay on this machine.
            IncludeErrorDetail = true,
            IncludeFailedBatchedCommand = true,

            // Npgsql 10 prefers GSS and stumbles where libgssapi is missing.
            GssEncryptionMode = target.GssEncryptionMode is null
                ? GssEncryptionMode.Disable
                : Enum.Parse<GssEncryptionMode>(target.GssEncryptionMode, ignoreCase: true),
        };
        TargetCertificates.Apply(builder, target);
        if (!target.Host.StartsWith('/'))
        {
            // While a command runs only TCP itself can notice that the network has gone: after about 75 s. A Unix socket refuses this.
            builder.TcpKeepAlive = true;
            builder.TcpKeepAliveTime = 30;
            builder.TcpKeepAliveInterval = 5;
        }

        if (target.ChannelBinding is not null)
        {
            builder.ChannelBinding = Enum.Parse<ChannelBinding>(target.ChannelBinding, ignoreCase: true);
        }

        // Npgsql refuses the wish where there is but one host to choose from: then the session itself is asked.
        if (target.TargetSessionAttributes is not null && target.Host.Contains(',', StringComparison.Ordinal))
        {
            builder.TargetSessionAttributes = target.TargetSessionAttributes;
        }

        return builder.ConnectionString;
    }

    /// <summary>Runs a query that gives one value.</summary>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <param name="connection">The session.</param>
    /// <param name="sql">The query, with positional parameters.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="parameters">Values of $1, $2, …</param>
    /// <returns>The value; default when there is no row or the value is NULL.</returns>
    internal static async Task<T?> ScalarAsync<T>(
        this NpgsqlConnection connection, string sql, CancellationToken cancellationToken, params object[] parameters)
    {
        var command = Command(connection, sql, parameters);
        await using (command.ConfigureAwait(false))
        {
            var value = await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
            return value is null or DBNull ? default : (T)value;
        }
    }

    /// <summary>Runs a statement.</summary>
    /// <param name="connection">The session.</param>
    /// <param name="sql">The statement, with positional parameters.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="parameters">Values of $1, $2, …</param>
    /// <returns>Rows affected.</returns>
    internal static async Task<int> ExecuteAsync(
        this NpgsqlConnection connection, string sql, CancellationToken cancellationToken, params object[] parameters)
    {
        var command = Command(connection, sql, parameters);
        await using (command.ConfigureAwait(false))
        {
            return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Runs a query and reads every row.</summary>
    /// <typeparam name="T">What a row becomes.</typeparam>
    /// <param name="connection">The session.</param>
    /// <param name="sql">The query, with positional parameters.</param>
    /// <param name="read">Reads the current row.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="parameters">Values of $1, $2, …</param>
    /// <returns>The rows.</returns>
    internal static async Task<List<T>> QueryAsync<T>(
        this NpgsqlConnection connection,
        string sql,
        Func<NpgsqlDataReader, T> read,
        CancellationToken cancellationToken,
        params object[] parameters)
    {
        var rows = new List<T>();
        var command = Command(connection, sql, parameters);
        await using (command.ConfigureAwait(false))
        {
            var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    rows.Add(read(reader));
                }
            }
        }

        return rows;
    }

    /// <summary>The server's server_version_num, for example 150018.</summary>
    internal static int VersionNumber(this NpgsqlConnection connection)
    {
        var version = connection.PostgreSqlVersion;
        return (version.Major * 10000) + version.Minor;
    }

    /// <summary>The server's version as people write it, for example 15.18.</summary>
    internal static string VersionText(this NpgsqlConnection connection)
        => string.Create(
            CultureInfo.InvariantCulture, $"{connection.PostgreSqlVersion.Major}.{connection.PostgreSqlVersion.Minor}");

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, object[] parameters)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        }

        return command;
    }

    private static void LogNotice(ILogger log, PostgresNotice notice, Func<string, string>? hide)
    {
        var level = notice.InvariantSeverity switch
        {
            "WARNING" => LogLevel.Warning,
            "NOTICE" or "INFO" => LogLevel.Information,
            _ => LogLevel.Debug,
        };
        log.ServerNotice(level, notice.Severity, Redaction.ByPattern.Apply(hide?.Invoke(notice.MessageText) ?? notice.MessageText));
    }
}
