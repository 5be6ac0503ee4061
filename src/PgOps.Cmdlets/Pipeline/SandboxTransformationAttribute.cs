using System.Management.Automation;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>Lets -Sandbox take a sandbox that came back from a job or a file.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SandboxTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
        => ReturnedObject.Bag(inputData) is { } bag && ReturnedObject.Kind(bag) == nameof(PgSandbox)
            ? ReturnedObject.Sandbox(bag)
            : inputData;
}
