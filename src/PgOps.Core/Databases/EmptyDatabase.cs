using Microsoft.Extensions.Logging;
using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Databases;

/// <summary>
/// A given, empty database that is restored into without a staging name (-IntoEmpty). While that lasts its comment says so, where the
/// role may write one, and stays when the restore fails.
/// </summary>
internal sealed class EmptyDatabase : IAsyncDisposable
{
    private const string Mark = "pgops restore unfinished";

    private readonly ILogger _log;
    private string? _comment;

    private EmptyDatabase(PgTarget target, NpgsqlConnection session, ILogger log)
    {
        Target = target;
        Session = session;
        _log = log;
    }

    /// <summary>The way to it.</summary>
    internal PgTarget Target { get; private set; }

    /// <summary>A session in it.</summary>
    internal NpgsqlConnection Session { get; }

    /// <summary>Objects that were there before: the provider's.</summary>
    internal IReadOnlySet<ObjectName> Objects { get; private set; } = new HashSet<ObjectName>();

    /// <summary>Tables and sequences that were there before.</summary>
    internal IReadOnlySet<(string Schema, string Name)> Relations { get; private set; } = new HashSet<(string, string)>();

    /// <summary>What a failed restore leaves, and how to clean up after it.</summary>
    internal string Left => $"{Target} holds a part of the restore and is not to be used.";

    /// <summary>The way out after a failure.</summary>
    internal static string WayOut
        => "Remove the cause; drop what was restored (DROP SCHEMA … CASCADE for each schema, then CREATE SCHEMA public), "
        + "or drop the database and make it again; then run the command again.";

    /// <summary>What a database looks like that is to be filled; refuses any that is not empty.</summary>
    /// <param name="session">A session in the database.</param>
    /// <param name="target">The database.</param>
    /// <param name="schemas">The schemas that will be filled; null for any.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PgOpsException">TargetNotEmpty.</exception>
    internal static async Task RequireAsync(
        NpgsqlConnection session, PgTarget target, IReadOnlyList<string>? schemas, CancellationToken cancellationToken)
    {
        var privileges = await RolePrivileges.ReadAsync(session, cancellationToken).ConfigureAwait(false);
        var oid = await DatabaseOccupancy.OidAsync(session, target.Database, cancellationToken).ConfigureAwait(false);
        var found =
            await DatabaseOccupancy.CountAsync(session, oid!.Value, schemas, privileges.Strangers, cancellationToken).ConfigureAwait(false);
        if (!found.IsEmpty)
        {
            var comment = await CommentAsync(session, cancellationToken).ConfigureAwait(false);
            var history = comment?.StartsWith(Mark, StringComparison.Ordinal) == true ? $" Its comment: \"{comment}\"." : "";
            throw new PgOpsException(
                PgErrorCode.TargetNotEmpty,
                $"{target} is not empty: {found.Describe()}.{history}",
                "Nothing was restored.",
                "-IntoEmpty takes an empty database only: drop what is in it, or make another one.")
            { Subject = target };
        }
    }

    /// <summary>Opens the database, and marks it.</summary>
    /// <exception cref="PgOpsException">RestoreFailed when another restore is at work in it; a connection's error.</exception>
    internal static async Task<EmptyDatabase> OpenAsync(PgTarget target, ILogger log, CancellationToken cancellationToken)
    {
        var session = await ServerConnection.OpenAsync(target, log, cancellationToken).ConfigureAwait(false);
        var database = new EmptyDatabase(target, session, log);
        return await database.OrDisposeAsync(async () =>
        {
            await database.PrepareAsync(cancellationToken).ConfigureAwait(false);
            return database;
        }).ConfigureAwait(false);
    }

    /// <summary>Takes the mark off.</summary>
    /// <param name="comment">The comment instead; null gives back the one before.</param>
    internal Task FinishAsync(string? comment) => WriteAsync(comment ?? _comment, CancellationToken.None);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Session.DisposeAsync();

    private async Task PrepareAsync(CancellationToken cancellationToken)
    {
        Target = await SessionGround.ForWorkAsync(Session, Target, cancellationToken).ConfigureAwait(false);
        await SessionSettings.AllowIdlingAsync(Session, cancellationToken).ConfigureAwait(false);
        if (!await AdvisoryLock.TryTakeAsync(Session, DatabaseNames.LockKey(Target.Database), cancellationToken).ConfigureAwait(false))
        {
            throw new PgOpsException(
                PgErrorCode.RestoreFailed, $"Another restore is at work in {Target}.", "Nothing was touched.", "Wait until it has ended.");
        }

        Objects = (await ObjectInventory.ReadAsync(Target, null, false, cancellationToken).ConfigureAwait(false)).Objects.Keys.ToHashSet();
        Relations = (await Session.QueryAsync(
            """
            SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text FROM pg_catalog.pg_class c
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'm', 'f', 'S')
            """,
            row => (row.GetString(0), row.GetString(1)),
            cancellationToken).ConfigureAwait(false)).ToHashSet();
        _comment = await CommentAsync(Session, cancellationToken).ConfigureAwait(false);
        _comment = _comment?.StartsWith(Mark, StringComparison.Ordinal) == true ? null : _comment;
        await WriteAsync(
            FormattableString.Invariant(
                $"{Mark}; pid {Environment.ProcessId}, host {Environment.MachineName}, started {DateTime.UtcNow:yyyy-MM-ddTHH:mm:ssZ}"),
            cancellationToken).ConfigureAwait(false);
    }

    private async Task WriteAsync(string? comment, CancellationToken cancellationToken)
    {
        try
        {
            await Session.ExecuteAsync(
                $"COMMENT ON DATABASE {Quote.Identifier(Target.Database)} IS {(comment is null ? "NULL" : Quote.Literal(comment))}",
                cancellationToken)
                .ConfigureAwait(false);
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            _log.EmptyDatabaseUnmarked(Target);
        }
    }

    private static Task<string?> CommentAsync(NpgsqlConnection session, CancellationToken cancellationToken)
        => session.ScalarAsync<string>(
            "SELECT pg_catalog.shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database WHERE datname = "
                + "pg_catalog.current_database()",
            cancellationToken);
}
