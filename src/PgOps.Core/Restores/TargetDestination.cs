using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Comparison;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Repository;
using PgOps.Core.Repository.Archives;

namespace PgOps.Core.Restores;

/// <summary>A database on the server that the restore is meant for.</summary>
internal abstract class TargetDestination : RestoreDestination
{
    private const string NothingDone = "Nothing was restored.";

    private OpenedArchive? _archive;

    /// <param name="request">What is to be restored.</param>
    /// <param name="sink">Receives progress and log lines, and is asked before the source is replaced.</param>
    protected TargetDestination(RestoreDatabaseRequest request, IOperationSink sink)
    {
        Request = request;
        Sink = sink;
        Target = request.Target.WithDatabase(request.FinalName);
    }

    /// <summary>What is to be restored; from "require" on the backup as it was proven.</summary>
    internal RestoreDatabaseRequest Request { get; private set; }

    /// <summary>The final database.</summary>
    internal PgTarget Target { get; }

    /// <summary>Receives progress and log lines.</summary>
    protected IOperationSink Sink { get; }

    /// <summary>The database to work from.</summary>
    protected abstract PgTarget From { get; }

    /// <inheritdoc/>
    internal override async Task<RestorePlan> RequireAsync(BackupProof proof, List<PgCheck> checks, CancellationToken cancellationToken)
    {
        Request = Request with { Backup = proof.Backup };
        _archive = await OpenAsync(cancellationToken).ConfigureAwait(false);
        var session = await ServerConnection.OpenAsync(From, Sink.Log, cancellationToken).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            try
            {
                await PoolerDetection.RefuseAsync(session, From, "a restore", cancellationToken).ConfigureAwait(false);
                var plan = await RestoreRequirements.CheckAsync(
                    Request, session, Target, _archive, checks, cancellationToken).ConfigureAwait(false);
                return await RequirePlaceAsync(Ordered(plan), session, checks, cancellationToken).ConfigureAwait(false);
            }
            catch (NpgsqlException error)
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw ServerErrors.Working(From, error, "looking at the server", NothingDone);
            }
        }
    }

    /// <summary>Refuses where there is no place for the copy.</summary>
    /// <param name="plan">The plan so far.</param>
    /// <param name="session">A session on the database to work from.</param>
    /// <param name="checks">Receives the checks.</param>
    /// <param name="cancellationToken">Gives up.</param>
    protected abstract Task<RestorePlan> RequirePlaceAsync(
        RestorePlan plan, NpgsqlConnection session, List<PgCheck> checks, CancellationToken cancellationToken);

    /// <summary>
    /// Which of the database's own settings the server takes. Those that decide what is computed while the database is filled are given to
    /// it at once, the others by <see cref="RestoreDestination.SwapAsync"/>. A part is none of the database's own affairs.
    /// </summary>
    protected async Task<StagedDatabase> SettleAsync(
        RestorePlan plan, NpgsqlConnection session, PgTarget database, bool keepsRoleSettings, CancellationToken cancellationToken)
    {
        var facts = plan.Manifest.Facts;
        facts = Request.IsPartial ? facts with { Settings = [], RoleSettings = [], WithheldSettings = [] }
            : Request.NoPrivileges || keepsRoleSettings ? facts with { RoleSettings = [] }
            : facts;
        var settings = DatabaseSetting.Of(facts).Concat(DatabaseSetting.OfRoles(facts, plan.Roles)).ToList();
        var (accepted, check) = await DatabaseSettings.ProbeAsync(
            session, database.Database, settings, Request.Force ? "left out with -Force" : null, cancellationToken).ConfigureAwait(false);
        var early = accepted.Where(setting => setting.IsEarly).ToList();
        await DatabaseSettings.ApplyAsync(session, database.Database, early, cancellationToken).ConfigureAwait(false);
        var withheld = facts.WithheldSettings;
        return new StagedDatabase(session, database)
        {
            Settings = [.. accepted.Except(early)],
            SettingsCheck = withheld.Count == 0 ? check : PgCheck.Skip(
                PgCheckName.Settings,
                $"{check.Detail}; not in the backup, because the value looks like a secret: {string.Join(", ", withheld)}; set it by hand "
                    + "(ALTER DATABASE … SET …; for a role ALTER ROLE … IN DATABASE … SET …)"),
        };
    }

    /// <summary>The error, saying what was left behind.</summary>
    protected static PgOpsException InState(Exception error, PgTarget target, string state, string? next)
        => (error as PgOpsException ?? ServerErrors.Working(target, error, "the restore")).InState(state, nextStep: next);

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        _archive?.Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    private RestorePlan Ordered(RestorePlan plan) => plan with
    {
        Archive = _archive,
        NoTablespaces = Request.NoTablespaces,
        Objects = ObjectRules.Restored with
        {
            NoOwner = Request.NoOwner,
            NoPrivileges = Request.NoPrivileges,
            Roles = plan.Roles,
            SkippedExtensions = Request.SkipExtension,
            Partial = Request.IsPartial,
        },
        Mask = Request.Mask is null ? null : new MaskOrder(Request.Mask, Request.MaskRules, Request.MaskSeed, Request.Strict),
    };

    private async Task<OpenedArchive?> OpenAsync(CancellationToken cancellationToken)
    {
        if (DumpFormat.IsScript(Request.Backup.Manifest!.Payload.Format))
        {
            return null;
        }

        if (!Request.IsPreview)
        {
            return await OpenedArchive.OpenAsync(Request.Backup, Request.Identity, Sink, cancellationToken).ConfigureAwait(false);
        }

        using var progress = new ProgressActivity(Sink, $"Reading {Request.Backup}");
        return await OpenedArchive.OpenAsync(Request.Backup, Request.Identity, true, progress, cancellationToken).ConfigureAwait(false);
    }
}
