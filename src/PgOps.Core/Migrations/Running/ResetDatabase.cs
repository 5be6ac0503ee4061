using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Databases;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Running;

/// <summary>
/// Rebuilds a development database from its folder: a new one is filled by all migrations and seeds under a staging name, takes the
/// old one's properties and, as the last act, its name; only then is the old one dropped. Whatever goes wrong before that, the old one
/// is as it was.
/// </summary>
public sealed class ResetDatabase
{
    internal const string WayOutOfSessions = "Stop these programs, then run the command again; -EndSessions ends their sessions.";

    /// <summary>Resets.</summary>
    /// <param name="request">Which database, and from what.</param>
    /// <param name="sink">Where log lines and progress go.</param>
    /// <param name="cancellationToken">Drops the new database, and only then lets the caller go on.</param>
    /// <returns>What was put in place.</returns>
    /// <exception cref="PgOpsException">
    /// NotForDevelopment, DatabaseInUse, InvalidArgument, PermissionDenied, PoolerDetected, ServerVersionUnsupported, an error of the
    /// folder or of a migration, or a connection's.
    /// </exception>
    public Task<PgDatabaseReset> RunAsync(ResetDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, () => request.Target, () => WorkAsync(request, sink, cancellationToken));

    private async Task<PgDatabaseReset> WorkAsync(ResetDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        var clock = Stopwatch.StartNew();
        var plan = await ResetPlan.MakeAsync(request, sink, cancellationToken).ConfigureAwait(false);
        var staging = await StagingDatabase.CreateAsync(
            request.Maintenance, request.Target.Database, plan.Old.Facts, sink.Log, cancellationToken, plan.Old.CreateClauses)
            .ConfigureAwait(false);
        await using (staging.ConfigureAwait(false))
        {
            var ended = new List<string>();
            try
            {
                RequireLocale(staging, request.Target);
                var run = await FillAsync(request, plan, staging, sink, cancellationToken).ConfigureAwait(false);
                var replaced = await SwapAsync(request, plan, staging, ended, sink.Log, cancellationToken).ConfigureAwait(false);
                var seeds = plan.Folder.Seeds.Select(seed => seed.Version).ToHashSet(MigrationVersion.Order);
                var filled = run.Applied.Select(migration => migration with { Target = request.Target })
                    .ToLookup(migration => seeds.Contains(migration.Version));
                return new PgDatabaseReset
                {
                    Target = request.Target,
                    DroppedBytes = plan.Old.Facts.Bytes,
                    Applied = [.. filled[false]],
                    Seeded = [.. filled[true]],
                    ToVersion = run.ToVersion,
                    Statements = run.Statements,
                    EndedSessions = ended,
                    LeftDatabase = await DatabaseSwap.DropDiscardedAsync(staging.Session, request.Target, replaced!, sink.Log)
                        .ConfigureAwait(false),
                    Duration = clock.Elapsed,
                };
            }
            catch (NpgsqlException error) when (!staging.InPlace)
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw ServerErrors.Working(request.Target, error, "the reset", AsItWas(request.Target));
            }
        }
    }

    /// <summary>Says what <see cref="RunAsync"/> would do: reads the folder and looks at the server, and touches nothing.</summary>
    /// <param name="request">Which database, and from what.</param>
    /// <param name="sink">Where log lines go.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The plan in words.</returns>
    /// <exception cref="PgOpsException">The refusal that the reset would meet.</exception>
    public async Task<string> PreviewAsync(ResetDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        return (await ResetPlan.MakeAsync(request, sink, cancellationToken).ConfigureAwait(false)).Describe(request);
    }

    private static string AsItWas(PgTarget target) => $"{target} is as it was: it was built beside it, and that was dropped.";

    private static void RequireLocale(StagingDatabase staging, PgTarget target)
    {
        if (staging.Collation.Status != PgCheckStatus.Passed)
        {
            throw new PgOpsException(
                PgErrorCode.StatementFailed,
                $"{target} cannot be made again with its own locale: {staging.Collation.Detail}",
                AsItWas(target),
                "Install the locale on the server, or create the database again by hand with another one.")
            { Subject = target };
        }
    }

    private static async Task<PgMigrationRun> FillAsync(
        ResetDatabaseRequest request, ResetPlan plan, StagingDatabase staging, IOperationSink sink, CancellationToken cancellationToken)
    {
        // The migrations run under the database's own settings.
        await plan.Old.ApplySettingsAsync(staging.Session, staging.Name, cancellationToken).ConfigureAwait(false);
        try
        {
            return await new InvokeMigrations().RunAsync(request.Fill(staging.Name), sink, cancellationToken).ConfigureAwait(false);
        }
        catch (PgOpsException error)
        {
            var next = error.Code == PgErrorCode.MigrationFailed
                ? "Correct the file, and run the command again. " + error.NextStep
                : error.NextStep;

            // What was built beside it is gone; what it was built with came from the database, and is to be mended there.
            throw error.InState(
                AsItWas(request.Target),
                nextStep: next?.Replace(staging.Name, request.Target.Database, StringComparison.Ordinal));
        }
    }

    private static async Task<string?> SwapAsync(
        ResetDatabaseRequest request, ResetPlan plan, StagingDatabase staging, List<string> ended, ILogger log,
        CancellationToken cancellationToken)
    {
        // The setting that sped the filling up goes, the database's own one comes back.
        await staging.Session.ExecuteAsync(
            $"ALTER DATABASE {Quote.Identifier(staging.Name)} RESET synchronous_commit", cancellationToken).ConfigureAwait(false);
        var commit = plan.Old with
        {
            Settings = plan.Old.Settings.Where(one => one.Setting.StartsWith("synchronous_commit=", StringComparison.Ordinal)).ToList(),
        };
        await commit.ApplySettingsAsync(staging.Session, staging.Name, cancellationToken).ConfigureAwait(false);
        return await DatabaseSwap.RunAsync(
            staging,
            new SwapRequest(request.Target, plan.Old.Facts.Oid)
            {
                Owner = plan.Old.Facts.Owner,
                KeepGrants = true,
                Comment = plan.Old.Comment,
                Discard = true,
                Ended = request.EndSessions ? Ended : null,
                WayOut = WayOutOfSessions,
            },
            cancellationToken).ConfigureAwait(false);

        void Ended(string session)
        {
            ended.Add(session);
            log.ResetEndedSession(request.Target, session);
        }
    }
}
