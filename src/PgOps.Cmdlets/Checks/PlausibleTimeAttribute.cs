using System.Management.Automation;

namespace PgOps.Cmdlets.Checks;

/// <summary>Refuses a time below a millisecond: a bare number counts ticks, and nobody means these.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class PlausibleTimeAttribute : ValidateArgumentsAttribute
{
    /// <summary>Whether no time at all makes sense.</summary>
    public bool Zero { get; init; }

    /// <inheritdoc/>
    protected override void Validate(object arguments, EngineIntrinsics engineIntrinsics)
    {
        if (arguments is TimeSpan time && time < TimeSpan.FromMilliseconds(1) && !(Zero && time == TimeSpan.Zero))
        {
            throw new ValidationMetadataException(FormattableString.Invariant(
                $"That is {time.TotalSeconds:0.#######} s: a bare number counts ticks of 0.0000001 s. Write '00:01:00' for a minute and '30.00:00:00' for 30 days."));
        }
    }
}
