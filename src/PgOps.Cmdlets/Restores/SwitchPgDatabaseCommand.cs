using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Databases;

namespace PgOps.Cmdlets.Restores;

/// <summary>
/// Puts a prepared database in the place of a live one, by renaming both in one transaction. Running transactions are waited for, then
/// sessions are ended; the old database is kept read-only under a dated name, and -Undo goes back to it.
/// </summary>
[Cmdlet(
    VerbsCommon.Switch, "PgDatabase", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High, DefaultParameterSetName = "With")]
[OutputType(typeof(PgDatabaseSwitch))]
public sealed class SwitchPgDatabaseCommand : PgTargetCmdlet
{
    /// <summary>The name of the prepared database, on the same server.</summary>
    [Parameter(Mandatory = true, Position = 1, ParameterSetName = "With")]
    [ValidateNotNullOrEmpty]
    public string? With { get; set; }

    /// <summary>Goes back to the database that the last switch put aside. What was written since stays in the one that gives way.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Undo")]
    public SwitchParameter Undo { get; set; }

    /// <summary>
    /// How long transactions that run when the switch begins may go on, while the database still serves everybody, for example 30s; 0s
    /// waits for none. Default: 10 seconds.
    /// </summary>
    [Parameter]
    [TimeSpanAmount(Zero = true)]
    public TimeSpan GracePeriod { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The prepared database keeps its own settings, grants, owner, connection limit and comment.</summary>
    [Parameter(ParameterSetName = "With")]
    public SwitchParameter KeepProperties { get; set; }

    /// <summary>Lets an empty database take the place of one that is not. It does not stand for -Confirm:$false.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>The database to work from.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string MaintenanceDatabase { get; set; } = "postgres";

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        var request = default(SwitchDatabaseRequest);
        if (!Understand(() => request = Request()))
        {
            return;
        }

        if (WhatIfRequested)
        {
            Preview((sink, token) => new SwitchDatabase().PreviewAsync(request!, sink, token));
        }
        else if (ShouldProcess(
            $"{request!.Target}", Undo ? "Undo the last switch" : $"End its sessions and put the database {With} in its place"))
        {
            RunAndWrite((sink, token) => new SwitchDatabase().RunAsync(request, sink, token));
        }
    }

    private SwitchDatabaseRequest Request() => new()
    {
        Target = ResolveTarget(),
        With = With,
        GracePeriod = GracePeriod,
        KeepProperties = KeepProperties,
        Force = Force,
        MaintenanceDatabase = MaintenanceDatabase,
    };
}
