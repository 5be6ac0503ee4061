using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Repository;

namespace PgOps.Cmdlets.Backups;

/// <summary>
/// Lists the backups in a folder or store, newest first: complete or not, proven or not. In a folder, dumps made without PgOps are
/// included.
/// </summary>
[Cmdlet(VerbsCommon.Get, "PgBackup")]
[OutputType(typeof(PgBackup))]
public sealed class GetPgBackupCommand : PgSignedCmdlet
{
    /// <summary>The folder that holds the backups, or one backup's own; or the URI of either in a store.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "./backups";

    /// <summary>Only backups of these databases. Wildcards are allowed; letter case counts, as in PostgreSQL.</summary>
    [Parameter]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(BackedUpDatabaseCompleter))]
    public string[]? Database { get; set; }

    /// <summary>Only backups with these labels. Wildcards are allowed, and letter case does not count.</summary>
    [Parameter]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(BackupLabelCompleter))]
    public string[]? Label { get; set; }

    /// <summary>
    /// Only backups of a part of a database, made with -Table, -SchemaOnly and the like; what chose the part is in the property Part.
    /// </summary>
    [Parameter]
    public SwitchParameter Part { get; set; }

    /// <summary>
    /// Only the newest complete backup of each whole database, of those that the other parameters leave; with -Part the newest of each
    /// kind of part.
    /// </summary>
    [Parameter]
    public SwitchParameter Latest { get; set; }

    /// <summary>Only backups whose drill passed. With a key a drill counts only when its entry in the ledger is signed by it.</summary>
    [Parameter]
    public SwitchParameter Proven { get; set; }

    /// <summary>
    /// Only backups of a time before this: a date, or text such as 2026-01-31 or 2026-01-31T18:30:00Z. Without Z it is local.
    /// </summary>
    [Parameter]
    [DateAmount]
    public DateTimeOffset? Before { get; set; }

    /// <summary>
    /// Only backups of this time or later: a date, or text such as 2026-01-31 or 2026-01-31T18:30:00Z. Without Z it is local.
    /// </summary>
    [Parameter]
    [DateAmount]
    public DateTimeOffset? After { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Run(async (sink, token) =>
    {
        var patterns = Database?.Select(pattern => new WildcardPattern(pattern)).ToList();
        var labels = Label?.Select(pattern => new WildcardPattern(pattern, WildcardOptions.IgnoreCase)).ToList();
        var request = new FindBackupsRequest
        {
            Path = FullPlace(Path),
            Database = patterns is null ? null : name => patterns.Exists(pattern => pattern.IsMatch(name)),
            Label = labels is null ? null : label => labels.Exists(pattern => pattern.IsMatch(label)),
            Part = Part,
            Latest = Latest,
            Proven = Proven,
            Before = Before?.UtcDateTime,
            After = After?.UtcDateTime,
            Key = Key(),
        };
        foreach (var backup in await new FindBackups().RunAsync(request, sink, token).ConfigureAwait(false))
        {
            sink.Output(backup);
        }
    });
}
