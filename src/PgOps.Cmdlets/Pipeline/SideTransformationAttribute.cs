using System.Management.Automation;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>Lets a side of a comparison be a backup, as an object or a folder's item; anything else is a target.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SideTransformationAttribute : ArgumentTransformationAttribute
{
    private readonly TargetTransformationAttribute _target = new();

    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
        => (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) is PgBackup or PgBackupTest or PgDrill or FileSystemInfo
            ? BackupTransformationAttribute.From(engineIntrinsics, inputData)!
            : _target.Transform(engineIntrinsics, inputData);
}
