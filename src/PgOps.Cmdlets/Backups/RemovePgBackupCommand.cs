using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Repository;
using PgOps.Core.Repository.Retention;

namespace PgOps.Cmdlets.Backups;

/// <summary>
/// Removes backups that no rule keeps, or given ones. Never by a rule the last complete backup of a database, the last proven one, or
/// one that is held; never one that is being read.
/// </summary>
[Cmdlet(VerbsCommon.Remove, "PgBackup", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(PgBackupRetention))]
public sealed class RemovePgBackupCommand : PgCmdlet
{
    private readonly List<PgBackup> _backups = [];
    private readonly List<string> _folders = [];

    /// <summary>
    /// A folder of backups or its like in a store, which needs a rule; or backups: their folders, files or URIs, or the objects of
    /// Get-PgBackup. Without a rule the given backups themselves are removed.
    /// </summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [Alias("Path")]
    [ValidateNotNullOrEmpty]
    public object[] Backup { get; set; } = [];

    /// <summary>Keeps the newest ones, by number.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? KeepLast { get; set; }

    /// <summary>Keeps the newest backup of each of the last days (UTC) that have one.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? KeepDaily { get; set; }

    /// <summary>Keeps the newest backup of each of the last weeks (ISO 8601, Monday to Sunday, UTC) that have one.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? KeepWeekly { get; set; }

    /// <summary>Keeps the newest backup of each of the last months (UTC) that have one.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? KeepMonthly { get; set; }

    /// <summary>Keeps the newest backup of each of the last years (UTC) that have one.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? KeepYearly { get; set; }

    /// <summary>
    /// Keeps all that are at most this much older than the database's newest complete backup, for example 14d, 2w or 36h. A number
    /// without a unit is refused.
    /// </summary>
    // No value would be no rule, and without a rule the given backups themselves are removed.
    [Parameter]
    [ValidateNotNull]
    [TimeSpanAmount(Unit = "d")]
    public TimeSpan? KeepWithin { get; set; }

    /// <summary>
    /// The size that the whole backups of one database may have together, and each kind of part, for example 500GB or 1.5TB. Of what
    /// the other rules keep, or of all where there is none, the oldest go until the rest fits; guarded ones count, but stay.
    /// </summary>
    [Parameter]
    [SizeAmount]
    [ValidateRange(1, long.MaxValue)]
    public long? MaxSize { get; set; }

    /// <summary>
    /// Lets the rules remove labelled backups as any others. Without it a label keeps a backup until somebody names it.
    /// </summary>
    [Parameter]
    public SwitchParameter IncludeLabelled { get; set; }

    /// <summary>
    /// Removes the one given backup although it is the last complete or the last proven one of its database, is held, is incomplete, is
    /// dated after now, or is a dump that PgOps did not make. One that is being read stays all the same.
    /// </summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var item in Backup)
        {
            Run((_, token) => TakeAsync(item, token));
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        var request = new RemoveBackupsRequest
        {
            Folders = _folders,
            Backups = _backups,
            Policy = new RetentionPolicy
            {
                KeepLast = KeepLast,
                KeepDaily = KeepDaily,
                KeepWeekly = KeepWeekly,
                KeepMonthly = KeepMonthly,
                KeepYearly = KeepYearly,
                KeepWithin = KeepWithin,
                MaxBytes = MaxSize,
                IncludeLabelled = IncludeLabelled,
            },
            Force = Force,
        };
        IReadOnlyList<PgBackupRetention> plan = [];
        if (!Run(async (sink, token) => plan = await new RemoveBackups().PlanAsync(request, sink, token).ConfigureAwait(false)))
        {
            return;
        }

        var approved = plan
            .Where(decision => decision.Action == PgRetentionAction.Remove)
            .Where(decision => ShouldProcess($"{decision.Backup.Path} ({decision.Reason})", "Remove backup"))
            .Select(decision => decision.Backup.Path).ToHashSet(StringComparer.Ordinal);
        if (approved.Count > 0)
        {
            Run((sink, token) => new RemoveBackups().RunAsync(request with { Approved = approved }, sink, token));
        }
        else
        {
            WriteObject(plan, enumerateCollection: true);
        }
    }

    private PgBackup Returned(object item) => BackupTransformationAttribute.From(FullPath, item) ?? throw new PgOpsException(
        PgErrorCode.InvalidArgument,
        $"'{item}' is not a backup.",
        "It is left as it is.",
        "Give a backup's folder, its URI in a store, a dump's file, or the object of Get-PgBackup.");

    private async Task TakeAsync(object item, CancellationToken cancellationToken)
    {
        var inner = item is PSObject wrapped ? wrapped.BaseObject : item;
        var live = BackupTransformationAttribute.From(inner);
        if ((live is null && ReturnedObject.Bag(item) is not null ? Returned(item) : live) is { } given)
        {
            _backups.Add(given);
            return;
        }

        var place = inner is FileSystemInfo file ? file.FullName : FullPlace(inner.ToString()!);
        var one = StoredBackups.IsStore(place) ? await StoredBackups.TryReadAsync(place, cancellationToken).ConfigureAwait(false)
            : Directory.Exists(place) && !BackupFolder.IsAny(place) ? null
            : BackupFolder.Read(place);
        if (one is null)
        {
            _folders.Add(place);
        }
        else
        {
            _backups.Add(one);
        }
    }
}
