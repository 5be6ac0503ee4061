using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Comparison;

namespace PgOps.Cmdlets.Checks;

/// <summary>
/// Lets -Manifest take whatever -Backup takes elsewhere. A backup without a manifest is refused: it must not look as if it was compared.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ManifestTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override bool TransformNullOptionalParameters => true;

    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        if ((inputData is PSObject wrapped ? wrapped.BaseObject : inputData) is PgBackupManifest manifest)
        {
            return manifest;
        }

        if (ReturnedObject.Bag(inputData) is { } bag && ReturnedObject.Kind(bag) == nameof(PgBackupManifest))
        {
            throw new ArgumentTransformationMetadataException(
                "The manifest has lost parts on its way through a job or a file. "
                    + "Give the backup itself, or its folder: -Manifest $backup.Path.");
        }

        try
        {
            return BackupTransformationAttribute.From(engineIntrinsics, inputData) is { } backup
                ? CompareDatabase.ManifestOf(backup)
                : throw new ArgumentTransformationMetadataException(
                    inputData is null
                        ? "The backup has no manifest that can be read, so nothing says what must be there. "
                            + "Test-PgBackup shows what is wrong with it."
                        : "That is not a backup. Give a backup's folder, its URI in a store, "
                            + "or the object of Backup-PgDatabase or Get-PgBackup.");
        }
        catch (PgOpsException error)
        {
            throw new ArgumentTransformationMetadataException(error.Message, error);
        }
    }
}
