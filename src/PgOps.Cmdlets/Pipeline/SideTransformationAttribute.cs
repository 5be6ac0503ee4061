using System.Management.Automation;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>
/// Lets a side of a comparison be a backup, as an object or a folder's item; anything else is a target. A database's bare name stays
/// text, for it lies where the other side does.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SideTransformationAttribute : ArgumentTransformationAttribute
{
    private readonly TargetTransformationAttribute _target = new() { KeepsNames = true };

    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
        => IsBackup(inputData)
            ? BackupTransformationAttribute.From(engineIntrinsics, inputData)!
            : _target.Transform(engineIntrinsics, inputData);

    private static bool IsBackup(object input) => ReturnedObject.Bag(input) is { } bag
        ? ReturnedObject.Kind(bag) is nameof(PgBackup) or nameof(PgBackupTest) or nameof(PgDrill)
        : (input is PSObject wrapped ? wrapped.BaseObject : input) is PgBackup or PgBackupTest or PgDrill or FileSystemInfo;
}
