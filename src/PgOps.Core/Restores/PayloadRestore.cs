using System.Globalization;
using PgOps.Core.Common.Operations;
using PgOps.Core.Repository;

namespace PgOps.Core.Restores;

/// <summary>Brings a payload into an empty database by the program that reads its format.</summary>
internal static class PayloadRestore
{
    /// <summary>Restores it; see <see cref="ArchiveRestore"/>, <see cref="RoleReplay"/> and <see cref="ScriptRestore"/>.</summary>
    internal static async Task<PgCheck> RunAsync(
        PgBackup backup, PgTarget target, ArchiveRestoreOptions options, IOperationSink sink, CancellationToken cancellationToken)
    {
        var format = backup.Manifest!.Payload.Format;
        if (ForeignDump.IsScript(format))
        {
            return await ScriptRestore.RunAsync(backup, target, options, sink, cancellationToken).ConfigureAwait(false);
        }

        // pg_restore reads a tar in its order alone.
        var check = await ArchiveRestore.RunAsync(
            backup, target, format == "tar" ? options with { Jobs = 1 } : options, sink, cancellationToken).ConfigureAwait(false);
        if (options.Roles is null)
        {
            return check;
        }

        var replayed = await RoleReplay.RunAsync(backup, target, options, cancellationToken).ConfigureAwait(false);
        return check with
        {
            Detail = string.Create(CultureInfo.InvariantCulture, $"{check.Detail}; roles mapped ({options.Roles}) in {replayed} statements"),
        };
    }
}
