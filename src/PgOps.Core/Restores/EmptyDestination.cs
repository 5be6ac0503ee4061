using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Databases;
using PgOps.Core.Postgres.Catalog;

namespace PgOps.Core.Restores;

/// <summary>A given, empty database, which has its final name from the beginning (-IntoEmpty).</summary>
internal sealed class EmptyDestination : TargetDestination
{
    private EmptyDatabase? _database;

    /// <inheritdoc cref="TargetDestination(RestoreDatabaseRequest, IOperationSink)"/>
    internal EmptyDestination(RestoreDatabaseRequest request, IOperationSink sink)
        : base(request, sink)
    {
    }

    /// <summary>The database itself: others may be closed to the role.</summary>
    protected override PgTarget From => Target;

    /// <inheritdoc/>
    protected override async Task<RestorePlan> RequirePlaceAsync(
        RestorePlan plan, NpgsqlConnection session, List<PgCheck> checks, CancellationToken cancellationToken)
    {
        await EmptyDatabase.RequireAsync(session, Target, plan.Selection?.Schemas, cancellationToken).ConfigureAwait(false);
        checks.Add(await StagingLocale.CheckAsync(session, Request.Backup.Manifest!.Facts, cancellationToken).ConfigureAwait(false));
        return plan;
    }

    /// <inheritdoc/>
    internal override async Task<StagedDatabase> StageAsync(RestorePlan plan, List<PgCheck> checks, CancellationToken cancellationToken)
    {
        var database = await EmptyDatabase.OpenAsync(Target, Sink.Log, cancellationToken).ConfigureAwait(false);
        _database = database;
        await RestoreRoles.CreateAsync(database.Session, plan.MissingRoles, cancellationToken).ConfigureAwait(false);
        var staged = await SettleAsync(plan, database.Session, database.Target, false, cancellationToken).ConfigureAwait(false);
        return staged with
        {
            SettingsCheck = Remark(staged.SettingsCheck!, plan.Manifest.Facts),
            ObjectsBefore = database.Objects,
            Wanted = (schema, name) => !database.Relations.Contains((schema, name)),
        };
    }

    /// <summary>The given database was made by somebody who settled who may connect to it; what the source had otherwise is said.</summary>
    private PgCheck Remark(PgCheck check, PgDatabaseFacts facts)
        => Request.IsPartial || (facts is { ConnectionLimit: < 0, Comment: null, IsTemplate: false }
            && facts.Grants?.ToHashSet().SetEquals(DatabaseGrants.Default) != false)
            ? check
            : check with { Detail = check.Detail + "; grants, connection limit and comment stay those of the given database" };

    /// <inheritdoc/>
    internal override async Task<string?> SwapAsync(
        RestorePlan plan, StagedDatabase staged, string? comment, CancellationToken cancellationToken)
    {
        await DatabaseSettings.ApplyAsync(staged.Session, Target.Database, staged.Settings, cancellationToken).ConfigureAwait(false);
        await _database!.FinishAsync(comment).ConfigureAwait(false);
        return null;
    }

    /// <inheritdoc/>
    internal override Task<PgOpsException?> GiveUpAsync(Exception error, CancellationToken cancellationToken)
    {
        if (_database is null)
        {
            return Task.FromResult<PgOpsException?>(null);
        }

        if (error is OperationCanceledException)
        {
            Sink.Log.RestoreCancelled(_database.Left, EmptyDatabase.WayOut);
            return Task.FromResult<PgOpsException?>(null);
        }

        if (error is not (NpgsqlException or PgOpsException))
        {
            return Task.FromResult<PgOpsException?>(null);
        }

        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult<PgOpsException?>(InState(error, Target, _database.Left, EmptyDatabase.WayOut));
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        if (_database is not null)
        {
            await _database.DisposeAsync().ConfigureAwait(false);
        }

        await base.DisposeAsync().ConfigureAwait(false);
    }
}
