using PgOps.Core.Repository;

namespace PgOps.Core.Restores;

/// <summary>What becomes of what the pipeline finds: an error, or a failed check among the results.</summary>
internal abstract class RestoreRules
{
    /// <summary>Refuses a backup that is not to be restored.</summary>
    /// <param name="proof">The backup, tested.</param>
    internal abstract void Accept(BackupProof proof);

    /// <summary>The failed check that an error is; null when it is to be thrown.</summary>
    /// <param name="check">The name of the step's check.</param>
    /// <param name="error">What the step threw.</param>
    internal abstract PgCheck? Finding(string check, Exception error);

    /// <summary>Refuses a copy that is not what the manifest says.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="checks">What was compared and inspected.</param>
    internal abstract void Accept(PgBackup backup, IEnumerable<PgCheck> checks);
}
