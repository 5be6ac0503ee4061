using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Databases;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Restores;

/// <summary>A new database under a staging name, renamed into place as the last act.</summary>
internal sealed class StagingDestination : TargetDestination
{
    private StagingDatabase? _staging;
    private IReadOnlyList<string> _created = [];

    /// <inheritdoc cref="TargetDestination(RestoreDatabaseRequest, IOperationSink)"/>
    internal StagingDestination(RestoreDatabaseRequest request, IOperationSink sink)
        : base(request, sink)
    {
    }

    /// <inheritdoc/>
    protected override PgTarget From => Request.Target.WithDatabase(Request.MaintenanceDatabase);

    /// <inheritdoc/>
    protected override async Task<RestorePlan> RequirePlaceAsync(
        RestorePlan plan, NpgsqlConnection session, List<PgCheck> checks, CancellationToken cancellationToken)
    {
        var existing = await DatabaseOccupancy.ReadAsync(session, Target, cancellationToken).ConfigureAwait(false);
        if (existing is not null)
        {
            await RestoreGuard.CheckAsync(Request, Target, existing, session, Sink, cancellationToken).ConfigureAwait(false);
        }

        return plan with { Existing = existing };
    }

    /// <inheritdoc/>
    internal override async Task<StagedDatabase> StageAsync(RestorePlan plan, List<PgCheck> checks, CancellationToken cancellationToken)
    {
        _staging = await StagingDatabase.CreateAsync(
            From, Target.Database, plan.Manifest.Facts, Sink.Log, cancellationToken).ConfigureAwait(false);
        await RestoreRoles.CreateAsync(_staging.Session, plan.MissingRoles, cancellationToken).ConfigureAwait(false);
        _created = plan.MissingRoles;
        checks.Add(_staging.Collation);
        return await SettleAsync(
            plan, _staging.Session, _staging.Target, plan.Existing is { IsEmpty: false }, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    internal override async Task<string?> SwapAsync(
        RestorePlan plan, StagedDatabase staged, string? comment, CancellationToken cancellationToken)
    {
        // The setting that sped the restore up goes before the source's own come.
        var (name, existing) = (_staging!.Name, plan.Existing);
        await staged.Session.ExecuteAsync(
            $"ALTER DATABASE {Quote.Identifier(name)} RESET synchronous_commit", cancellationToken).ConfigureAwait(false);
        await DatabaseSettings.ApplyAsync(staged.Session, name, staged.Settings, cancellationToken).ConfigureAwait(false);
        var replaced = await DatabaseSwap.RunAsync(
            _staging,
            new SwapRequest(Target, existing?.Oid)
            {
                Owner = plan.Owner,
                KeepGrants = !Request.NoPrivileges,
                Facts = Request.IsPartial ? null : Facts(plan),
                ReplacesEmpty = existing is { IsEmpty: true },
                Comment = comment,
                Discard = Request.DropOld,
            },
            cancellationToken).ConfigureAwait(false);
        return replaced is null ? null
            : Request.DropOld ? await DatabaseSwap.DropDiscardedAsync(staged.Session, Target, replaced, Sink.Log).ConfigureAwait(false)
            : existing!.IsEmpty ? await DatabaseSwap.DropEmptyAsync(staged.Session, From, replaced, Sink.Log).ConfigureAwait(false)
            : replaced;
    }

    private static PgDatabaseFacts Facts(RestorePlan plan)
    {
        var facts = plan.Manifest.Facts;
        return plan.Roles is not { } roles ? facts : facts with
        {
            Grants = facts.Grants?.Select(grant => grant.Role is null ? grant : grant with { Role = roles[grant.Role] }).ToList(),
        };
    }

    /// <inheritdoc/>
    internal override async Task<PgOpsException?> GiveUpAsync(Exception error, CancellationToken cancellationToken)
    {
        if (_staging is null or { InPlace: true })
        {
            return null;
        }

        var kept = Request.KeepFailed && error is not OperationCanceledException
            && await _staging.KeepAsync($"pgops: kept failed restore of {Request.Backup}").ConfigureAwait(false);
        await _staging.DisposeAsync().ConfigureAwait(false);
        if (!kept)
        {
            await RestoreRoles.DropAsync(_staging.Maintenance, _created, Sink.Log).ConfigureAwait(false);
        }

        cancellationToken.ThrowIfCancellationRequested();
        var state = kept
            ? $"Nothing was put in place. The staging database is kept as {_staging.Name}; when it has served: "
                + $"DROP DATABASE {Quote.Identifier(_staging.Name)}"
            : _staging.AfterFailure;
        return error is NpgsqlException or PgOpsException ? InState(error, _staging.Target, state, null) : null;
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        if (_staging is not null)
        {
            await _staging.DisposeAsync().ConfigureAwait(false);
        }

        await base.DisposeAsync().ConfigureAwait(false);
    }
}
