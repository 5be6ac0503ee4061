using System.Globalization;
using Npgsql;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Migrations.Locking;

/// <summary>
/// Notices a working session that its migrator can no longer talk to although no connection was closed: a firewall that forgot it, a
/// dead tunnel. The lock's session looks at it from the server's side; both sessions also carry timeouts of the server's own, so that
/// nothing is held for ever when the migrator is cut off from both.
/// </summary>
internal sealed class SessionSilence
{
    private readonly TimeSpan _longest;
    private string? _sign;
    private long _since;

    /// <param name="process">Process id of the working session.</param>
    /// <param name="longest">How long the server may wait for its client, with nothing moving, before the session counts as lost.</param>
    internal SessionSilence(int process, TimeSpan longest)
    {
        Process = process;
        _longest = longest;
    }

    /// <summary>The working session.</summary>
    internal int Process { get; }

    /// <summary>
    /// The settings that make the server drop a session whose migrator has fallen silent. A migrator that lives sends something every
    /// few hundred milliseconds, and never pauses for longer than a lock's retry.
    /// </summary>
    internal static IEnumerable<(string Name, string Value)> Settings(NpgsqlConnection connection, TimeSpan longest)
    {
        var milliseconds = ((long)longest.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
        yield return ("tcp_keepalives_idle", "30");
        yield return ("tcp_keepalives_interval", "5");
        yield return ("tcp_user_timeout", milliseconds);
        yield return ("idle_in_transaction_session_timeout", milliseconds);
        foreach (var setting in SessionSettings.IdleTimeout(connection, milliseconds))
        {
            yield return setting;
        }
    }

    /// <summary>Looks at the working session from another one; ends it when it has waited too long for its client.</summary>
    /// <returns>What was lost, in words; null when all is well.</returns>
    internal async Task<string?> EndsAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        // Only waits for the client count, and only where the server says what the session does (track_activities).
        var copied = connection.PostgreSqlVersion.Major >= 14
            ? "(SELECT bytes_processed FROM pg_catalog.pg_stat_progress_copy c WHERE c.pid = a.pid)"
            : "pg_catalog.clock_timestamp()";
        var sign = await connection.ScalarAsync<string>(
            $"""
            SELECT CASE WHEN wait_event_type = 'Client' AND state <> 'disabled'
                THEN pg_catalog.concat_ws(' ', state, xact_start, query_start, state_change, {copied}) ELSE '' END
            FROM pg_catalog.pg_stat_activity a WHERE pid = $1
            """,
            cancellationToken,
            Process).ConfigureAwait(false) ?? "gone";
        if (sign != _sign || sign.Length == 0)
        {
            (_sign, _since) = (sign, Environment.TickCount64);
            return null;
        }

        // Twice gone: at its regular end the work stops this look before the second time.
        if (sign == "gone")
        {
            return $"the working session (process {Process}) was ended";
        }

        if (Environment.TickCount64 - _since <= _longest.TotalMilliseconds)
        {
            return null;
        }

        await connection.ExecuteAsync(
            "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE pid = $1 AND "
                + "pg_catalog.pg_has_role(usesysid, 'MEMBER')",
            cancellationToken,
            Process).ConfigureAwait(false);
        return $"the working session (process {Process}) has heard nothing for {_longest.TotalSeconds:0} s";
    }
}
