using System.Management.Automation;
using PgOps.Core.Migrations;
using PgOps.Core.Operations;

namespace PgOps.Cmdlets.Migrations;

/// <summary>
/// Takes migrations back by their down scripts, newest first: the newest one, or all above a version. Each is one transaction that
/// also holds its history row.
/// </summary>
[Cmdlet(VerbsCommon.Undo, "PgMigration", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(PgMigrationRun))]
public sealed class UndoPgMigrationCommand : PgMigrationCmdlet
{
    /// <summary>
    /// The passed drill of a fresh backup, from Test-PgRestore: the run is refused when it failed or is of another database, and its
    /// backup is recorded behind each undone migration.
    /// </summary>
    [Parameter(ValueFromPipeline = true)]
    public PgDrill? ProvenBy { get; set; }

    /// <summary>Undo everything above this version; 0 undoes all. Default: only the newest migration is undone.</summary>
    [Parameter]
    [ValidatePattern(@"^[0-9]+(\.[0-9]+)*$")]
    public string? ToVersion { get; set; }

    /// <summary>Longest wait for another migrator.</summary>
    [Parameter]
    public TimeSpan WaitTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Longest wait for a lock on a table, before a pause and another try. Zero waits without limit.</summary>
    [Parameter]
    public TimeSpan LockTimeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>Longest run of one statement. Zero, the default, sets no limit.</summary>
    [Parameter]
    public TimeSpan StatementTimeout { get; set; } = TimeSpan.Zero;

    /// <summary>How often a migration that met a lock timeout or a deadlock is tried again.</summary>
    [Parameter]
    [ValidateRange(0, 1000)]
    public int LockRetries { get; set; } = 5;

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var request = default(MigrationRequest);
        if (!Run((_, _) => Task.FromResult(request = Complete(Request()))))
        {
            return;
        }

        if (WhatIfRequested)
        {
            Preview((sink, token) => PlanAsync(request!, sink, token));
        }
        else if (ShouldProcess(
            $"{request!.Target}",
            ToVersion is null ? $"Undo the newest migration of {request.Path}" : $"Undo the migrations of {request.Path} above {ToVersion}"))
        {
            RunAndWrite((sink, token) => new UndoMigrations().RunAsync(request, sink, token));
        }
    }

    private MigrationRequest Complete(MigrationRequest request) => request with
    {
        ToVersion = ToVersion,
        WaitTimeout = WaitTimeout,
        LockTimeout = LockTimeout,
        StatementTimeout = StatementTimeout,
        LockRetries = LockRetries,
        Proof = ProvenBy,
    };

    private static async Task<IReadOnlyList<string>> PlanAsync(MigrationRequest request, IOperationSink sink, CancellationToken token)
    {
        var plan = await new UndoMigrations().PreviewAsync(request, sink, token).ConfigureAwait(false);
        return plan.Count == 0 ? [$"Nothing is to be undone in {request.Target}."] : plan.Select(planned => planned.Description).ToList();
    }
}
