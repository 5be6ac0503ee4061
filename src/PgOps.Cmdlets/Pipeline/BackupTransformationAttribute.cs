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
                "That is not a backup. Give a backup's folder, its URI in a store, a dump's file, or the object of Backup-PgDatabase, "
                    + "Get-PgBackup, Test-PgBackup or Test-PgRestore.");

    internal static PgBackup? From(EngineIntrinsics engine, object? input)
        => From(engine.SessionState.Path.GetUnresolvedProviderPathFromPSPath, input);

    /// <summary>The backup that an object is, names or carries; null when it is none of these.</summary>
    /// <param name="fullPath">Makes a full path of one as typed.</param>
    /// <param name="input">The object.</param>
    internal static PgBackup? From(Func<string, string> fullPath, object? input)
    {
        try
        {
            return ReturnedObject.Bag(input) is { } bag ? Returned(fullPath, bag) : (input is PSObject wrapped
                ? wrapped.BaseObject
                : input) switch
            {
                string uri when StoredBackups.IsUri(uri) =>
                    StoredBackups.ReadAsync(StoredBackups.Place(uri), CancellationToken.None).GetAwaiter().GetResult(),
                FileSystemInfo file => BackupFolder.Read(file.FullName),
                string path => BackupFolder.Read(fullPath(path)),
                var other => From(other),
            };
        }
        catch (PgOpsException error)
        {
            throw new ArgumentTransformationMetadataException(error.Message, error);
        }
    }

    /// <summary>A backup that came back from a job or a file is read again where it lies, and must still be the same.</summary>
    private static PgBackup? Returned(Func<string, string> fullPath, PSObject bag)
    {
        switch (ReturnedObject.Kind(bag))
        {
            case nameof(PgBackupTest) or nameof(PgDrill) or nameof(PgRestore) or nameof(PgBackupRetention):
                return bag.Properties["Backup"]?.Value is { } inner ? From(fullPath, inner) : null;
            case nameof(PgBackup) when bag.Properties["Path"]?.Value is { } path:
                var id = $"{bag.Properties["Id"]?.Value}";
                var backup = From(fullPath, $"{path}")!;
                return id.Length > 0 && backup.Id.Length > 0 && backup.Id != id
                    ? throw new PgOpsException(
                        PgErrorCode.InvalidArgument,
                        $"At {path} lies another backup now ({backup.Id}) than the one that was recorded ({id}).",
                        null,
                        "Give the backup by its path, when that is the one you mean.")
                    : ReturnedObject.Bag(bag.Properties["Source"]?.Value) is { } source
                        ? backup with { Source = ReturnedObject.Target(source) }
                        : backup;
            default:
                return null;
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
