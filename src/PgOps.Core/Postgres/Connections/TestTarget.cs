using System.Diagnostics;
using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Text;

namespace PgOps.Core.Postgres.Connections;

/// <summary>Tries a target: connects, asks who we are and what stands there.</summary>
public sealed class TestTarget
{
    private const string Facts = """
        SELECT current_user::text, rolsuper, pg_catalog.pg_is_in_recovery(),
               coalesce((SELECT s.ssl FROM pg_catalog.pg_stat_ssl s WHERE s.pid = pg_catalog.pg_backend_pid()), false),
               pg_catalog.pg_database_size(pg_catalog.current_database()),
               pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
        FROM pg_catalog.pg_roles WHERE rolname = current_user
        """;

    /// <summary>Runs the checks.</summary>
    /// <param name="target">The target.</param>
    /// <param name="sink">Where log lines go.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The result; a target that cannot be reached is a failed check, not an exception.</returns>
    public Task<PgTargetTest> RunAsync(PgTarget target, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, () => target, () => WorkAsync(target, sink, cancellationToken));

    private async Task<PgTargetTest> WorkAsync(PgTarget target, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(sink);
        var startedAt = DateTime.UtcNow;
        var clock = Stopwatch.StartNew();
        var test = await TryAsync(target, clock, sink, cancellationToken).ConfigureAwait(false);
        return test with { StartedAt = startedAt, Duration = clock.Elapsed };
    }

    private static async Task<PgTargetTest> TryAsync(
        PgTarget target, Stopwatch clock, IOperationSink sink, CancellationToken cancellationToken)
    {
        var checks = new List<PgCheck>();
        try
        {
            var connection = await ServerConnection.OpenAsync(target, sink.Log, cancellationToken).ConfigureAwait(false);
            await using (connection.ConfigureAwait(false))
            {
                checks.Add(PgCheck.Pass(PgCheckName.Connect, $"connected as {target.Username}") with { Duration = clock.Elapsed });
                return await AskAsync(connection, target, checks, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (PgOpsException error)
        {
            checks.Add(PgCheck.Fail(PgCheckName.Connect, error.InSentences()) with { Duration = clock.Elapsed });
        }
        catch (NpgsqlException error)
        {
            checks.Add(PgCheck.Fail(PgCheckName.Query, ServerErrors.Working(target, error, "asking for the server's facts").Problem));
        }

        return new PgTargetTest { Target = target, Checks = checks };
    }

    private static async Task<PgTargetTest> AskAsync(
        NpgsqlConnection connection, PgTarget target, List<PgCheck> checks, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        await connection.ExecuteAsync("SELECT 1", cancellationToken).ConfigureAwait(false);
        var roundTrip = clock.Elapsed;
        var facts = (await connection.QueryAsync(
            Facts,
            row => (User: row.GetString(0), Super: row.GetBoolean(1), Standby: row.GetBoolean(2), Ssl: row.GetBoolean(3),
                Bytes: row.GetInt64(4), MayCreate: row.GetBoolean(5)),
            cancellationToken).ConfigureAwait(false))[0];

        var version = connection.PostgreSqlVersion.Major;
        checks.Add(version >= 13
            ? PgCheck.Pass(PgCheckName.Version, $"PostgreSQL {connection.VersionText()}")
            : PgCheck.Fail(PgCheckName.Version, $"PostgreSQL {connection.VersionText()} is older than 13, the oldest PgOps works with."));
        var pooler = target.Pooled
            || await PoolerDetection.IsTransactionPoolerAsync(connection, target, cancellationToken).ConfigureAwait(false);
        checks.Add(pooler
            ? PgCheck.Fail(PgCheckName.Session, "A transaction pooler stands in between: migrations need the server's own address.")
            : PgCheck.Pass(PgCheckName.Session, "a session of its own"));
        var readOnly = await SessionFitness.ReadOnlyAsync(connection, target, cancellationToken).ConfigureAwait(false);
        checks.Add(readOnly is { } found
            ? PgCheck.Fail(PgCheckName.Writable, $"{char.ToUpperInvariant(found.Why[0])}{found.Why[1..]}. {found.WayOut}")
            : facts.Standby
            ? PgCheck.Fail(PgCheckName.Writable, "The server is a standby: backups work here, migrations and restores need the primary.")
            : PgCheck.Pass(PgCheckName.Writable, "a primary"));
        checks.Add(facts.MayCreate
            ? PgCheck.Pass(PgCheckName.Privileges, facts.Super ? "superuser" : "may create schemas in the database")
            : PgCheck.Fail(
                PgCheckName.Privileges,
                $"The role \"{facts.User}\" may not create schemas here: GRANT CREATE ON DATABASE, or use the owner."));
        return new PgTargetTest
        {
            Target = target,
            Checks = checks,
            ServerVersion = connection.VersionText(),
            CurrentUser = facts.User,
            IsSuperuser = facts.Super,
            Encrypted = facts.Ssl,
            InRecovery = facts.Standby,
            TransactionPooler = pooler,
            DatabaseBytes = facts.Bytes,
            RoundTrip = roundTrip,
        };
    }
}
