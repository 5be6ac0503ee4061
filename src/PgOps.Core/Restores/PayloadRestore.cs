using PgOps.Core.Backups.Foreign;
using PgOps.Core.Operations;

namespace PgOps.Core.Restores;

/// <summary>Brings a payload into an empty database by the program that reads its format.</summary>
internal static class PayloadRestore
{
    /// <summary>Restores it; see <see cref="ArchiveRestore"/> and <see cref="ScriptRestore"/>.</summary>
    internal static Task<PgCheck> RunAsync(
        PgBackup backup, PgTarget target, ArchiveRestoreOptions options, IOperationSink sink, CancellationToken cancellationToken)
    {
        // pg_restore reads a tar in its order alone.
        var format = backup.Manifest!.Payload.Format;
        return ForeignDump.IsScript(format)
            ? ScriptRestore.RunAsync(backup, target, options, sink, cancellationToken)
            : ArchiveRestore.RunAsync(backup, target, format == "tar" ? options with { Jobs = 1 } : options, sink, cancellationToken);
    }
}
