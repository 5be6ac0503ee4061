using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Text;
using PgOps.Core.Comparison;
using PgOps.Core.Databases;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Repository.Archives;
using PgOps.Core.Restores.Masking;

namespace PgOps.Core.Restores;

/// <summary>What is done to the database that is being filled, whatever its name: restore, compare, mask, analyse.</summary>
internal sealed class RestoreFill
{
    private readonly RestoreDatabaseRequest _request;
    private readonly RestorePlan _plan;
    private readonly int _jobs;
    private readonly List<PgCheck> _checks;
    private readonly IOperationSink _sink;

    internal RestoreFill(RestoreDatabaseRequest request, RestorePlan plan, int jobs, List<PgCheck> checks, IOperationSink sink)
    {
        _request = request;
        _plan = plan;
        _jobs = jobs;
        _checks = checks;
        _sink = sink;
    }

    /// <summary>The archive; null for a script.</summary>
    internal required OpenedArchive? Archive { get; init; }

    /// <summary>A database that was there before; null for one of the restore's own.</summary>
    internal EmptyDatabase? Before { get; init; }

    /// <summary>Fills it.</summary>
    /// <param name="session">A session that may alter the database.</param>
    /// <param name="database">The database.</param>
    /// <param name="cancellationToken">Ends pg_restore and every session.</param>
    /// <returns>What it holds now, and the settings to give it.</returns>
    /// <exception cref="PgOpsException">RestoreFailed, RestoreMismatch, InvalidArgument from the masks.</exception>
    internal async Task<FilledDatabase> RunAsync(NpgsqlConnection session, PgTarget database, CancellationToken cancellationToken)
    {
        var (settings, settingsCheck) = await DatabaseSettings.ProbeAsync(
            session, database.Database, _request.IsPartial ? [] : _plan.Manifest.Facts.Settings, _request.Force, cancellationToken).ConfigureAwait(false);
        var options = new ArchiveRestoreOptions(
            _plan.Tool, _jobs, session.PostgreSqlVersion.Major, _request.NoOwner, _request.NoPrivileges, _request.Script)
        {
            Archive = Archive,
            Edit = _plan.Edit,
            Roles = _plan.Roles,
            NoTablespaces = _request.NoTablespaces,
            NoStatistics = _request.Mask is not null,
        };
        _checks.Add(await TimedCheck.RunAsync(
            () => PayloadRestore.RunAsync(_request.Backup, database, options, _sink, cancellationToken)).ConfigureAwait(false));
        if (_plan.Selection is { } selection)
        {
            _checks.Add(PgCheck.Skip(PgCheckName.Selection, Describe(selection)));
        }

        var content = await VerifyAsync(database, cancellationToken).ConfigureAwait(false);
        var mask = _request.MaskRules.Count == 0
            ? null
            : new MaskDatabase(database, _request.Mask!, _request.MaskRules, _request.MaskSeed);
        if (mask is not null)
        {
            _checks.Add(await mask.RunAsync(_jobs, _sink, cancellationToken).ConfigureAwait(false));
        }

        _checks.Add(await TableStatistics.GatherAsync(database, _jobs, cancellationToken, Wanted).ConfigureAwait(false));
        if (mask is not null)
        {
            _checks.AddRange(await mask.FinishAsync(_request.Strict, _sink.Log, cancellationToken).ConfigureAwait(false));
        }

        var masked = mask is null ? _plan.Manifest.Facts.Masked : MaskMark.Describe(_request.Backup);
        return new FilledDatabase(content.Tables.Count, content.Rows, mask?.Masked ?? [], settings, settingsCheck, MaskMark.Comment(masked));
    }

    // What was there before may well be closed to the role.
    private Func<string, string, bool>? Wanted => Before is null ? null : (schema, name) => !Before.Relations.Contains((schema, name));

    private static string Describe(TocSelection selection)
        => "a part of the backup, which proves nothing about the rest"
            + (selection.Along.Count == 0 ? "" : "; needed and restored too: " + NameList.Of(selection.Along))
            + (selection.LeftOut.Count == 0 ? "" : "; left out, because the other table is not restored: " + NameList.Of(selection.LeftOut));

    private async Task<ContentComparison> VerifyAsync(PgTarget database, CancellationToken cancellationToken)
    {
        var rules = ObjectRules.Restored with
        {
            NoOwner = _request.NoOwner,
            NoPrivileges = _request.NoPrivileges,
            Roles = _plan.Roles,
            SkippedExtensions = _request.SkipExtension,
            Partial = _request.IsPartial,
            Before = Before?.Objects ?? new HashSet<ObjectName>(),
        };
        var content = await RestoredCopy.CompareAsync(
            _plan.Manifest, database, _jobs, _sink, cancellationToken, Wanted).ConfigureAwait(false);
        var inspection = await RestoredCopy.InspectAsync(_plan.Manifest, database, rules, cancellationToken).ConfigureAwait(false);
        var all = content.Checks.Concat(inspection).Select(Excuse).ToList();
        var failed = all.Where(check => check.Status == PgCheckStatus.Failed).ToList();
        if (failed.Count > 0)
        {
            throw new PgOpsException(
                PgErrorCode.RestoreMismatch,
                $"The restored copy differs from {_request.Backup}:\n  " + string.Join("\n  ", failed.Select(check => $"{check.Name}: {check.Detail}")),
                "Nothing was put in place.",
                failed.TrueForAll(check => check.Detail.EndsWith(ObjectComparison.WhyPublic, StringComparison.Ordinal))
                    ? "Back up anew with pg_dump 15 or newer, or restore with -NoOwner and -NoPrivileges."
                    : "Restore an older backup, and keep this one for looking into; Test-PgRestore shows every table.")
            { Subject = _request.Backup };
        }

        _checks.AddRange(all);
        return content;
    }

    // A part may well be without the history, which is then no matter of the part.
    private PgCheck Excuse(PgCheck check)
        => check is { Name: PgCheckName.MigrationState, Status: PgCheckStatus.Failed } && _plan.Selection?.Holds("pgops", "migration_history") == false
            ? PgCheck.Skip(check.Name, "the migration history is no part of what was restored")
            : check;
}
