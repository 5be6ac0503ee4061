namespace PgOps.Cmdlets.Backups;

/// <summary>Completes the labels of the backups in -Path.</summary>
public sealed class BackupLabelCompleter : BackupCompleter
{
    private protected override string? NameOf(PgBackup backup) => backup.Label;
}
