using Microsoft.Extensions.Logging;
using Npgsql;
using PgOps.Core.Sql;

namespace PgOps.Core.Postgres.Connections;

/// <summary>
/// What every session of PgOps stands on: the kind of server that was asked for, and no timeout that a role, a database or the server
/// sets for applications. PgOps has limits of its own, as pg_dump does.
/// </summary>
internal static class SessionGround
{
    private const int MostAttempts = 10;

    private static readonly string[] Timeouts =
        ["statement_timeout", "lock_timeout", "transaction_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout"];

    private const string ReadOnly = "default_transaction_read_only";

    /// <summary>
    /// The way to a server for work that fills databases, by programs and sessions of their own: they begin without what a role, a
    /// database or the server sets against them, and with nothing else that was not asked for.
    /// </summary>
    /// <param name="session">A session on the server. It stands on that ground from here on.</param>
    /// <param name="target">The server. A setting that its options give is meant for PgOps, and stays.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task<PgTarget> ForWorkAsync(NpgsqlConnection session, PgTarget target, CancellationToken cancellationToken)
    {
        var names = Timeouts.Append(ReadOnly).Where(name => target.Options?.Contains(name, StringComparison.OrdinalIgnoreCase) != true);

        // What PgOps has set in the session is not what the next one begins with.
        var hostile = await session.QueryAsync(
            "SELECT name FROM pg_catalog.pg_settings WHERE name = ANY ($1) AND reset_val NOT IN ('0', 'off') ORDER BY name",
            row => row.GetString(0),
            cancellationToken,
            [names.ToArray()]).ConfigureAwait(false);
        if (target.Pooled || hostile.Count == 0)
        {
            return target;
        }

        if (hostile.Contains(ReadOnly))
        {
            await session.ExecuteAsync($"SET {ReadOnly} = off", cancellationToken).ConfigureAwait(false);
        }

        return target with { Options = string.Join(' ', hostile.Select(Off).Prepend(target.Options)).TrimStart() };

        static string Off(string name) => $"-c {name}={(name == ReadOnly ? "off" : "0")}";
    }

    /// <summary>Looks at a session that has just been opened, and takes the timeouts off.</summary>
    /// <param name="connection">The session.</param>
    /// <param name="target">What was asked for. A timeout that its options give is meant for PgOps, and stays.</param>
    /// <param name="log">Hears of what was taken off.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PgOpsException">ConnectionFailed: the server is not of the kind that target_session_attrs names.</exception>
    internal static async Task PrepareAsync(
        NpgsqlConnection connection, PgTarget target, ILogger? log, CancellationToken cancellationToken)
    {
        // What is set in a pooler's session stays there for its other clients.
        var names = Timeouts.Where(name => target.Options?.Contains(name, StringComparison.OrdinalIgnoreCase) != true).ToList();
        if (!target.Pooled && names.Count > 0
            && await TakeOffAsync(connection, names, cancellationToken).ConfigureAwait(false) is { } taken)
        {
            log?.TimeoutsTakenOff(target, taken);
        }

        // With several hosts the driver has chosen one of that kind.
        if (target.TargetSessionAttributes is { } kind && !target.Host.Contains(',', StringComparison.Ordinal))
        {
            await RequireKindAsync(connection, target, kind, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task<string?> TakeOffAsync(NpgsqlConnection connection, List<string> names, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await connection.ScalarAsync<string>(
                    $"""
                    SELECT pg_catalog.string_agg(name || ' = ' || value, ', ') FROM (
                        SELECT name, pg_catalog.current_setting(name, true) AS value, pg_catalog.set_config(name, '0', false)
                        FROM pg_catalog.unnest(ARRAY[{string.Join(", ", names.Select(Quote.Literal))}]) name
                        WHERE coalesce(pg_catalog.current_setting(name, true), '0') <> '0' OFFSET 0) set
                    """,
                    cancellationToken).ConfigureAwait(false);
            }
            catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.QueryCanceled && attempt < MostAttempts)
            {
                // A statement_timeout of a few milliseconds can end the first statement of a session, whose caches are cold.
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    private static async Task RequireKindAsync(
        NpgsqlConnection connection, PgTarget target, string kind, CancellationToken cancellationToken)
    {
        var (standby, readOnly) = (await connection.QueryAsync(
            "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('default_transaction_read_only') = 'on'",
            row => (row.GetBoolean(0), row.GetBoolean(0) || row.GetBoolean(1)),
            cancellationToken).ConfigureAwait(false))[0];
#pragma warning disable CA1308 // the words are lower case
        var fits = kind.ToLowerInvariant() switch
        {
            "read-write" => !readOnly,
            "read-only" => readOnly,
            "primary" => !standby,
            "standby" => standby,
            _ => true,
        };
#pragma warning restore CA1308
        if (!fits)
        {
            throw new PgOpsException(
                PgErrorCode.ConnectionFailed,
                $"{target} is {(standby ? "a standby" : readOnly ? "a primary whose sessions are read-only" : "a primary")}, and "
                    + "target_session_attrs "
                    + $"asks for {kind}.",
                "The connection was closed, and nothing was done through it.",
                "Give the address of such a server, or leave target_session_attrs (PGTARGETSESSIONATTRS) out.")
            { Subject = target, IsUnconnected = true };
        }
    }
}
