using System.Management.Automation;
using PgOps.Core.Backups;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>Lets -Backup take a backup's folder as well as the objects that carry a backup.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class BackupTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
        => From(engineIntrinsics, inputData)
            ?? throw new ArgumentTransformationMetadataException(
                "That is no backup. Give a backup's folder, or the object of Backup-PgDatabase, Get-PgBackup, Test-PgBackup or Test-PgRestore.");

    internal static PgBackup? From(EngineIntrinsics engine, object? input)
    {
        try
        {
            return (input is PSObject wrapped ? wrapped.BaseObject : input) switch
            {
                PgBackup backup => backup,
                PgBackupTest test => test.Backup,
                PgDrill drill => drill.Backup,
                DirectoryInfo folder => BackupFolder.Read(folder.FullName),
                string path => BackupFolder.Read(engine.SessionState.Path.GetUnresolvedProviderPathFromPSPath(path)),
                _ => null,
            };
        }
        catch (PgOpsException error)
        {
            throw new ArgumentTransformationMetadataException(error.Message, error);
        }
    }
}
