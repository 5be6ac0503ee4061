using Microsoft.Extensions.Logging;
using Npgsql;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Databases;

/// <summary>
/// The database a restore or a reset fills before anybody sees it under its own name. Its session on the maintenance database holds an
/// advisory lock keyed by its name as long as the run lives; disposing drops the database unless it was put in place.
/// </summary>
internal sealed class StagingDatabase : IAsyncDisposable
{
    private readonly ILogger _log;
    private bool _created;
    private bool _kept;
    private bool _disposed;

    private StagingDatabase(PgTarget maintenance, NpgsqlConnection session, string name, ILogger log)
    {
        Maintenance = maintenance;
        _log = log;
        Session = session;
        Name = name;
        Target = maintenance.WithDatabase(name);
    }

    /// <summary>Its name.</summary>
    internal string Name { get; }

    /// <summary>The way to it.</summary>
    internal PgTarget Target { get; private set; }

    /// <summary>The way to the database to work from.</summary>
    internal PgTarget Maintenance { get; private set; }

    /// <summary>Whether it could not be dropped when it had to be.</summary>
    internal bool Stays { get; private set; }

    /// <summary>What stands there after a failure that has ended with <see cref="DisposeAsync"/>.</summary>
    internal string AfterFailure => Stays
        ? $"Nothing was put in place. The staging database {Name} could not be dropped; the next restore on this server sweeps it, or run: "
            + $"DROP DATABASE {Quote.Identifier(Name)}"
        : "The staging database was dropped; nothing was put in place.";

    /// <summary>The session on the maintenance database that holds the lock; CREATE, ALTER and DROP DATABASE run here.</summary>
    internal NpgsqlConnection Session { get; }

    /// <summary>Whether it has its final name, and is no longer this object's to drop.</summary>
    internal bool InPlace { get; private set; }

    /// <summary>Whether the locale is the source's: passed, or skipped with the reason.</summary>
    internal PgCheck Collation { get; private set; } = PgCheck.Skip(PgCheckName.Collation, "not looked at");

    /// <summary>
    /// Sweeps what dead runs left, then creates the staging database from template0 with the source's encoding and locale.
    /// </summary>
    /// <param name="maintenance">A database of the same server to work from.</param>
    /// <param name="finalName">The name it is meant for.</param>
    /// <param name="facts">The source's properties.</param>
    /// <param name="log">Receives what was swept and what could not be.</param>
    /// <param name="cancellationToken">Gives up; nothing stays behind.</param>
    /// <param name="more">Further clauses of CREATE DATABASE.</param>
    /// <param name="name">A fresh staging name, where it had to be known before; null makes one.</param>
    internal static async Task<StagingDatabase> CreateAsync(
        PgTarget maintenance, string finalName, PgDatabaseFacts facts, ILogger log, CancellationToken cancellationToken, string more = "",
        string? name = null)
    {
        var session = await ServerConnection.OpenAsync(maintenance, log, cancellationToken).ConfigureAwait(false);
        var staging = new StagingDatabase(maintenance, session, name ?? DatabaseNames.Staging(finalName), log);
        try
        {
            await PoolerDetection.RefuseAsync(session, maintenance, "a database that is built beside another", cancellationToken)
                .ConfigureAwait(false);
            staging.Maintenance = await SessionGround.ForWorkAsync(session, maintenance, cancellationToken).ConfigureAwait(false);
            staging.Target = staging.Maintenance.WithDatabase(staging.Name);
            await staging.PrepareAsync(cancellationToken).ConfigureAwait(false);
            await staging.CreateAsync(facts, more, cancellationToken).ConfigureAwait(false);
            return staging;
        }
        catch (Exception error)
        {
            await staging.DisposeAsync().ConfigureAwait(false);
            if (error is NpgsqlException && !cancellationToken.IsCancellationRequested)
            {
                throw ServerErrors.Working(maintenance, error, "creating the staging database", "Nothing was put in place.");
            }

            throw;
        }
    }

    /// <summary>Keeps the database for a person to look into: it loses the mark by which a sweep knows its own.</summary>
    /// <param name="why">What it is, for its comment.</param>
    /// <returns>Whether that could be done.</returns>
    internal async Task<bool> KeepAsync(string why)
    {
        try
        {
            // A cancelled command or a lost connection leaves the session unusable.
            var session = await ServerConnection.OpenAsync(Maintenance, null, CancellationToken.None).ConfigureAwait(false);
            await using (session.ConfigureAwait(false))
            {
                await session.ExecuteAsync(
                    $"COMMENT ON DATABASE {Quote.Identifier(Name)} IS {Quote.Literal(why)}", CancellationToken.None).ConfigureAwait(false);
            }

            _kept = true;
        }
        catch (Exception error) when (error is NpgsqlException or PgOpsException)
        {
            _log.StagingNotKept(Name, new Redaction(Maintenance).Apply(error.Message));
        }

        return _kept;
    }

    /// <summary>Says that the database now has its final name.</summary>
    internal void PutInPlace() => InPlace = true;

    /// <summary>
    /// Drops the database unless it was put in place, and gives the lock back. Never throws: what stays is logged by name.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        if (_created && !InPlace && !_kept)
        {
            await DropAsync().ConfigureAwait(false);
        }

        // Closing the session frees the lock.
        await Session.DisposeAsync().ConfigureAwait(false);
    }

    private async Task PrepareAsync(CancellationToken cancellationToken)
    {
        // The session idles while the database is filled; a server that closes idle sessions would free the lock under it.
        await SessionSettings.AllowIdlingAsync(Session, cancellationToken).ConfigureAwait(false);
        await Session.ExecuteAsync("SET statement_timeout = 0; SET lock_timeout = 0", cancellationToken).ConfigureAwait(false);
        await StagingSweep.RunAsync(Session, Maintenance, _log, cancellationToken).ConfigureAwait(false);
        if (!await AdvisoryLock.TryTakeAsync(Session, DatabaseNames.LockKey(Name), cancellationToken).ConfigureAwait(false))
        {
            throw new PgOpsException(
                PgErrorCode.RestoreFailed, $"Another run uses the staging name {Name}.", "Nothing was touched.", "Run the command again.");
        }
    }

    private async Task CreateAsync(PgDatabaseFacts facts, string more, CancellationToken cancellationToken)
    {
        var create = $"CREATE DATABASE {Quote.Identifier(Name)} TEMPLATE template0 ENCODING {Quote.Literal(facts.Encoding)} {more}";
        var locale = StagingLocale.Clause(facts, Session.VersionNumber());
        _created = true;
        var refusal = locale is null ? $"PostgreSQL {Session.VersionText()} has no locale provider {facts.LocaleProvider}" : null;
        if (locale is not null)
        {
            try
            {
                await Session.ExecuteAsync($"{create} {locale}", cancellationToken).ConfigureAwait(false);
                Collation = facts.LocaleProvider.Length == 0
                    ? PgCheck.Skip(
                        PgCheckName.Collation,
                        $"{facts.Encoding}, with the server's own locale: the dump does not say which the source had")
                    : PgCheck.Pass(PgCheckName.Collation, $"{StagingLocale.Describe(facts)}, as in the source");
            }
            catch (PostgresException error) when (StagingLocale.IsUnavailable(error))
            {
                refusal = $"{error.SqlState} {error.MessageText}";
            }
        }

        if (refusal is not null)
        {
            await Session.ExecuteAsync($"{create} {StagingLocale.Fallback(Session.VersionNumber())}", cancellationToken)
                .ConfigureAwait(false);
            Collation = PgCheck.Skip(
                PgCheckName.Collation,
                $"made with the C locale: this server does not have the source's {StagingLocale.Describe(facts)} ({refusal}); "
                    + "sorting and letter case of text differ");
            _log.CollationReplaced(Collation.Detail);
        }

        await Session.ExecuteAsync(
            $"COMMENT ON DATABASE {Quote.Identifier(Name)} IS {Quote.Literal(StagingSweep.Comment())}",
            cancellationToken).ConfigureAwait(false);

        // Rows that are not for everybody lie in it before the grants do, which come with its name.
        await Session.ExecuteAsync($"REVOKE ALL ON DATABASE {Quote.Identifier(Name)} FROM PUBLIC", cancellationToken).ConfigureAwait(false);

        // A staging database lost in a crash is not a loss, and the rename that ends the restore commits durably, everything before it too.
        await Session.ExecuteAsync(
            $"ALTER DATABASE {Quote.Identifier(Name)} SET synchronous_commit = off", cancellationToken).ConfigureAwait(false);
    }

    private async Task DropAsync()
    {
        try
        {
            // A cancelled command or a lost connection leaves the session unusable; dropping must not depend on it.
            var session = await ServerConnection.OpenAsync(Maintenance, null, CancellationToken.None).ConfigureAwait(false);
            await using (session.ConfigureAwait(false))
            {
                await RestoredSubscriptions.DropAsync(session, Target, CancellationToken.None).ConfigureAwait(false);
                await StagingSweep.DropAsync(session, Name, CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (Exception error) when (error is NpgsqlException or PgOpsException)
        {
            Stays = true;
            _log.StagingNotDropped(Name, new Redaction(Maintenance).Apply(error.Message), Quote.Identifier(Name));
        }
    }
}
