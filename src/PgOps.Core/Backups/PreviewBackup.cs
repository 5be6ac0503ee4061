using System.Globalization;
using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Backups;

/// <summary>Says what <see cref="BackupDatabase"/> would do: looks at the database and at the tools, and writes nothing.</summary>
public sealed class PreviewBackup
{
    /// <summary>Makes the plan.</summary>
    /// <param name="request">What would be backed up.</param>
    /// <param name="sink">Receives log lines.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The plan in words.</returns>
    /// <exception cref="PgOpsException">The refusal that the backup would meet.</exception>
    public Task<string> RunAsync(BackupDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, () => request.Target, () => WorkAsync(request, sink, cancellationToken));

    private async Task<string> WorkAsync(BackupDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        try
        {
            BackupDatabase.Require(request);
            var encryptor = await Encryptor.FindAsync(request.Recipients, cancellationToken).ConfigureAwait(false);
            var holder = await SnapshotHolder.OpenAsync(request.Target, cancellationToken).ConfigureAwait(false);
            await using (holder.ConfigureAwait(false))
            {
                var plan = await BackupDatabase.PlanAsync(
                    request, "", request.Target, holder, sink, cancellationToken).ConfigureAwait(false);
                var (pgDump, tables) = (plan.Tools.Dump, plan.Listed.Tables);
                var part = request.Selection.IsWhole ? "" : $", a part ({string.Join(' ', request.Selection.Words(pgDump.Major))})";
                var bytes = PgSize.Format(tables.Sum(table => table.Bytes));
                return $"Back up {request.Target} ({PgAmount.Of(tables.Count, "table")}, {bytes}) with pg_dump {pgDump.Version}, "
                    + $"{request.Format} format, fingerprint {request.Fingerprint}{part}"
                    + $"{Protection(request, encryptor)}{Keeping(request)}, "
                    + (request.SingleFile
                        ? $"to {SingleFile.PathOf(request, plan.Database, holder.SnapshotAt)} and its .sha256."
                        : $"to a new folder in '{request.Path}'.");
            }
        }
        catch (NpgsqlException error)
        {
            throw ServerErrors.Working(request.Target, error, "planning the backup", "Nothing was written.");
        }
    }

    private static string Protection(BackupDatabaseRequest request, Encryptor? encryptor)
        => (encryptor is null ? "" : $", encrypted with {encryptor.Facts.Tool} for {string.Join(", ", encryptor.Facts.Recipients)}")
            + (request.SigningKey is null ? "" : $", signed by {request.SigningKey}");

    private static string Keeping(BackupDatabaseRequest request)
        => (request.Label is null ? "" : $", labelled {request.Label}")
            + (request.KeepUntil is not { } until ? ""
                : string.Create(CultureInfo.InvariantCulture, $", held until {until:yyyy-MM-dd HH:mm}Z"));
}
