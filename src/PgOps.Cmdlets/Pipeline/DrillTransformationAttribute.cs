using System.Management.Automation;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>
/// Lets -ProvenBy take a drill that came back from a job or a file: its backup is read again, its checks are taken as said.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class DrillTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        // Whatever else comes down the pipeline is the target's; PowerShell finds that out by itself.
        if (ReturnedObject.Bag(inputData) is not { } bag || ReturnedObject.Kind(bag) != nameof(PgDrill))
        {
            return inputData;
        }

        try
        {
            return new PgDrill
            {
                Backup = BackupTransformationAttribute.From(engineIntrinsics, bag)!,
                Checks = ReturnedObject.Checks(bag),
                ContentEqual = bag.Properties["ContentEqual"]?.Value is true,
                ServerVersion = $"{bag.Properties["ServerVersion"]?.Value}",
            };
        }
        catch (PgOpsException error)
        {
            throw new ArgumentTransformationMetadataException(error.Message, error);
        }
    }
}
