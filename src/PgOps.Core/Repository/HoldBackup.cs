using PgOps.Core.Common.Files;
using PgOps.Core.Common.Operations;
using PgOps.Core.Repository.Storage;

namespace PgOps.Core.Repository;

/// <summary>Holds a backup that is there already: no rule of retention removes it before a moment (<see cref="BackupHolds"/>).</summary>
public sealed class HoldBackup
{
    /// <summary>Holds it.</summary>
    /// <param name="request">Which, and until when.</param>
    /// <param name="sink">Receives a log line.</param>
    /// <param name="cancellationToken">Gives up waiting for another writer.</param>
    /// <returns>A task.</returns>
    /// <exception cref="PgOpsException">InvalidArgument for a dump that PgOps did not make; PathInaccessible; StoreFailed.</exception>
    public Task RunAsync(HoldBackupRequest request, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, () => request.Backup.Source, () => WorkAsync(request, sink, cancellationToken));

    private async Task WorkAsync(HoldBackupRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        var backup = request.Backup;
        if (backup.Id.Length == 0)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument, $"{backup.Path} has no id by which it could be held: PgOps did not make it.",
                "It is not held.", "Rules do not remove such a dump anyway.");
        }

        var line = BackupHolds.Line(request);
        try
        {
            if (StoreUri.IsRemote(backup.Path))
            {
                await StoreLedger.AppendAsync(
                    backup, BackupHolds.FileName, [], (file, _, _) => (BackupHolds.WholeLength(file), line, null), cancellationToken)
                    .ConfigureAwait(false);
            }
            else
            {
                await AppendAsync(backup.Path, line, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new PgOpsException(
                PgErrorCode.PathInaccessible, $"{backup.Path} cannot be held: {error.Message}", "It is not held.",
                $"See to the permissions of {BackupHolds.FileName} beside it.", error);
        }

        sink.Log.BackupHeld(backup.Path, PgSize.Format(request.Until - DateTime.UtcNow));
    }

    private static async Task AppendAsync(string backup, byte[] line, CancellationToken cancellationToken)
    {
        var folder = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(backup)))!;
        await SharedFile.AppendAsync(
            Path.Combine(folder, BackupHolds.FileName), file => (BackupHolds.WholeLength(file), line), cancellationToken)
            .ConfigureAwait(false);
    }
}
