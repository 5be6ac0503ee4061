using System.Collections;
using System.Management.Automation;
using PgOps.Core.Repository;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>Lets -Backup take a backup's folder or URI or a dump's file as well as the objects that carry a backup.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class BackupTransformationAttribute : ArgumentTransformationAttribute
{
    /// <summary>Whether the parameter is an array.</summary>
    public bool Many { get; init; }

    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        if (!Many)
        {
            return One(engineIntrinsics, inputData);
        }

        var input = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        return (input is IList list ? list.Cast<object>() : [inputData]).Select(one => One(engineIntrinsics, one)).ToArray();
    }

    private static PgBackup One(EngineIntrinsics engine, object? input)
        => From(engine, input)
            ?? throw new ArgumentTransformationMetadataException(
                "That is no backup. Give a backup's folder, its URI in a store, a dump's file, or the object of Backup-PgDatabase, Get-PgBackup, Test-PgBackup or Test-PgRestore.");

    internal static PgBackup? From(EngineIntrinsics engine, object? input)
    {
        try
        {
            return (input is PSObject wrapped ? wrapped.BaseObject : input) switch
            {
                string uri when StoredBackups.IsUri(uri) => StoredBackups.ReadAsync(StoredBackups.Place(uri), CancellationToken.None).GetAwaiter().GetResult(),
                FileSystemInfo file => BackupFolder.Read(file.FullName),
                string path => BackupFolder.Read(engine.SessionState.Path.GetUnresolvedProviderPathFromPSPath(path)),
                var other => From(other),
            };
        }
        catch (PgOpsException error)
        {
            throw new ArgumentTransformationMetadataException(error.Message, error);
        }
    }

    /// <summary>The backup that an object carries; null when it carries none.</summary>
    internal static PgBackup? From(object? input) => input switch
    {
        PgBackup backup => backup,
        PgBackupTest test => test.Backup,
        PgDrill drill => drill.Backup,
        _ => null,
    };
}
