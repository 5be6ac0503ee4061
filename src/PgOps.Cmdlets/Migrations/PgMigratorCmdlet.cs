using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Migrations;

namespace PgOps.Cmdlets.Migrations;

/// <summary>Base of the cmdlets that run migration scripts.</summary>
public abstract class PgMigratorCmdlet : PgMigrationCmdlet
{
    /// <summary>Longest wait for another migrator, for example 10min; 0s does not wait. Default: 5 minutes.</summary>
    [Parameter]
    [TimeSpanAmount(Zero = true)]
    public TimeSpan WaitTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Longest wait for a lock on a table, before a pause and another try, for example 500ms or 30s; 0s waits without limit. Default: 3
    /// seconds.
    /// </summary>
    [Parameter]
    [TimeSpanAmount(Zero = true)]
    public TimeSpan LockTimeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>Longest run of one statement, for example 10min. 0s, the default, sets no limit.</summary>
    [Parameter]
    [TimeSpanAmount(Zero = true)]
    public TimeSpan StatementTimeout { get; set; } = TimeSpan.Zero;

    /// <summary>How often a migration that met a lock timeout or a deadlock is tried again.</summary>
    [Parameter]
    [ValidateRange(0, 1000)]
    public int LockRetries { get; set; } = 5;

    private protected override MigrationRequest Complete(MigrationRequest request) => request with
    {
        WaitTimeout = WaitTimeout,
        LockTimeout = LockTimeout,
        StatementTimeout = StatementTimeout,
        LockRetries = LockRetries,
    };

    /// <summary>The lines of a plan; one that says so when it is empty.</summary>
    private protected static IReadOnlyList<string> Lines(IReadOnlyList<PlannedMigration> plan, string otherwise)
        => plan.Count == 0 ? [otherwise] : plan.Select(planned => planned.Description).ToList();
}
