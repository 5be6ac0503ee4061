using Microsoft.Extensions.Logging;
using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Databases;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Restores;

/// <summary>
/// The roles that drills make for themselves. A role's comment says so, and every drill that needs it holds an advisory lock of its name
/// on a session of its own: so drills side by side share it, the last one drops it, and what a killed one left the next one sweeps.
/// </summary>
internal sealed class ScratchRoles : IAsyncDisposable
{
    private const string Mark = "pgops drill role";
    private static readonly long Bookkeeping = AdvisoryKey.Of("pgops drill roles");
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly NpgsqlConnection _session;
    private readonly PgTarget _server;
    private readonly ILogger _log;
    private bool _begun;

    private ScratchRoles(NpgsqlConnection session, PgTarget server, ILogger log)
    {
        _session = session;
        _server = server;
        _log = log;
    }

    /// <summary>Which roles were made, for people.</summary>
    internal PgCheck Check { get; private set; } = PgCheck.Skip(PgCheckName.Roles, "not looked at");

    /// <summary>Makes the roles that the server lacks, and keeps those that drills made until this is disposed of.</summary>
    /// <param name="server">The maintenance database.</param>
    /// <param name="facts">What the backup's database needs.</param>
    /// <param name="log">Receives what could not be swept.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task<ScratchRoles> TakeAsync(
        PgTarget server, PgDatabaseFacts facts, ILogger log, CancellationToken cancellationToken)
    {
        var session = await ServerConnection.OpenAsync(server, log, cancellationToken).ConfigureAwait(false);
        var roles = new ScratchRoles(session, server, log);
        try
        {
            await PoolerDetection.RefuseAsync(session, server, "a drill", cancellationToken).ConfigureAwait(false);
            await SessionSettings.AllowIdlingAsync(session, cancellationToken).ConfigureAwait(false);
            roles._begun = true;
            await roles.AloneAsync(() => roles.TakeAsync(facts, cancellationToken), cancellationToken).ConfigureAwait(false);
            return roles;
        }
        catch
        {
            await roles.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Drops what no drill needs any more; the copy must be gone. Never throws: a role that stays is logged.</summary>
    public async ValueTask DisposeAsync()
    {
        await using (_session.ConfigureAwait(false))
        {
            if (!_begun)
            {
                return;
            }

            try
            {
                await AdvisoryLock.ReleaseAllAsync(_session, CancellationToken.None).ConfigureAwait(false);

                // When this drill began, the server may still have been busy with a statement of one that was killed, say the creation
                // of its database. By now it has ended, and that database holds on to roles.
                await StagingSweep.RunAsync(_session, _server, _log, CancellationToken.None).ConfigureAwait(false);
                await AloneAsync(() => SweepAsync(LogLevel.Warning), CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception error) when (error is NpgsqlException or PgOpsException or InvalidOperationException)
            {
                _log.DrillRolesLeft(_server, new Redaction(_server).Apply(error.Message));
            }
        }
    }

    private async Task TakeAsync(PgDatabaseFacts facts, CancellationToken cancellationToken)
    {
        // A dead drill's database may still hold on to its roles; the sweep at the end comes after it was swept.
        await SweepAsync(LogLevel.Debug).ConfigureAwait(false);
        var missing = await RestoreRoles.MissingAsync(_session, facts, cancellationToken).ConfigureAwait(false);

        // Role and mark in one transaction: a drill that is killed leaves both or neither.
        var transaction = await _session.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using (transaction.ConfigureAwait(false))
        {
            await RestoreRoles.CreateAsync(_session, missing, cancellationToken).ConfigureAwait(false);
            foreach (var role in missing)
            {
                await _session.ExecuteAsync(
                    $"COMMENT ON ROLE {Quote.Identifier(role)} IS {Quote.Literal(Mark)}", cancellationToken).ConfigureAwait(false);
            }

            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        }

        foreach (var role in await MarkedAsync().ConfigureAwait(false))
        {
            if (role == facts.Owner || facts.Roles.Contains(role))
            {
                await AdvisoryLock.ShareAsync(_session, KeyOf(role), cancellationToken).ConfigureAwait(false);
            }
        }

        Check = PgCheck.Pass(PgCheckName.Roles, missing.Count == 0 ? "all there" : "created: " + string.Join(", ", missing));
    }

    private Task<List<string>> MarkedAsync() => _session.QueryAsync(
        "SELECT rolname FROM pg_catalog.pg_roles WHERE pg_catalog.shobj_description(oid, 'pg_authid') = $1 ORDER BY rolname",
        row => row.GetString(0),
        CancellationToken.None,
        Mark);

    private async Task SweepAsync(LogLevel level)
    {
        foreach (var role in await MarkedAsync().ConfigureAwait(false))
        {
            if (await AdvisoryLock.IsHeldAsync(_session, KeyOf(role), CancellationToken.None).ConfigureAwait(false))
            {
                continue;
            }

            try
            {
                await _session.ExecuteAsync($"DROP ROLE IF EXISTS {Quote.Identifier(role)}", CancellationToken.None).ConfigureAwait(false);
            }
            catch (PostgresException error) when (!ServerErrors.IsLost(error))
            {
                _log.DrillRoleNotDropped(level, role, error.MessageText);
            }
        }
    }

    /// <summary>Does something that no other drill on this maintenance database does at the same time.</summary>
    private async Task AloneAsync(Func<Task> work, CancellationToken cancellationToken)
    {
        // By polling: a session that waits in the server for a lock holds up every CREATE INDEX CONCURRENTLY in its database.
        var polling = new Polling(Patience, Pause);
        if (!await polling.UntilAsync(
            () => AdvisoryLock.TryTakeAsync(_session, Bookkeeping, cancellationToken), cancellationToken).ConfigureAwait(false))
        {
            throw new PgOpsException(
                PgErrorCode.DatabaseInUse,
                $"Another drill has kept the roles of {_server} busy for a minute.",
                "The drill was given up; nothing of it stays behind.",
                "Run the command again.");
        }

        try
        {
            await work().ConfigureAwait(false);
        }
        finally
        {
            if (_session.State == System.Data.ConnectionState.Open)
            {
                await AdvisoryLock.ReleaseAsync(_session, Bookkeeping, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    private static long KeyOf(string role) => AdvisoryKey.Of("pgops drill role " + role);
}
