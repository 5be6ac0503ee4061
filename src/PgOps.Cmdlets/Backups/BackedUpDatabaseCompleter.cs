namespace PgOps.Cmdlets.Backups;

/// <summary>Completes the names of the databases that -Path holds backups of.</summary>
public sealed class BackedUpDatabaseCompleter : BackupCompleter
{
    private protected override string? NameOf(PgBackup backup) => backup.Database;
}
