using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Databases;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Restores;

/// <summary>Keeps a restore from a database that is there already, unless that is wanted.</summary>
internal static class RestoreGuard
{
    private const string NothingDone = "Nothing was restored.";

    /// <summary>Refuses, or asks.</summary>
    /// <param name="request">What is to be restored.</param>
    /// <param name="target">The final database.</param>
    /// <param name="existing">What has its name now.</param>
    /// <param name="session">A session on the maintenance database.</param>
    /// <param name="sink">Is asked before the source is replaced.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PgOpsException">TargetIsSource, TargetNotEmpty, DatabaseInUse, PermissionDenied.</exception>
    internal static async Task CheckAsync(
        RestoreDatabaseRequest request,
        PgTarget target,
        DatabaseOccupancy existing,
        NpgsqlConnection session,
        IOperationSink sink,
        CancellationToken cancellationToken)
    {
        if (request.IsPartial && !existing.IsEmpty)
        {
            throw new PgOpsException(
                PgErrorCode.TargetNotEmpty,
                $"{target} exists and is not empty: {existing.Describe()}. A part of a backup never replaces a database.",
                NothingDone,
                "Restore the part under another name, and copy from there what you need.")
            { Subject = target };
        }

        var fate = request.DropOld ? "dropped" : $"kept as {DatabaseNames.Replaced(target.Database, DateTime.UtcNow)}";
        if (await IsSourceAsync(request, target, existing, session, cancellationToken).ConfigureAwait(false))
        {
            var question = $"{target} is the database that {request.Backup} was taken from. It holds {existing.Describe()}. "
                + (request.DropOld
                    ? "The backup will be put in its place and it will be DROPPED."
                    : "It will be kept under a dated name and the backup put in its place.");
            var agreed = request.Force && (request.IsPreview
                || await sink.ConfirmAsync(question, "Replace the source of the backup?", cancellationToken).ConfigureAwait(false));
            if (!agreed)
            {
                throw new PgOpsException(
                    PgErrorCode.TargetIsSource,
                    $"{target} is the database that the backup was taken from ({existing.Describe()}).",
                    NothingDone,
                    "Restore under another name and compare, or use -Force and confirm: the database is then kept under a dated name.")
                { Subject = target };
            }
        }

        if (!existing.IsEmpty && !request.Force)
        {
            throw new PgOpsException(
                PgErrorCode.TargetNotEmpty,
                $"{target} exists and is not empty: {existing.Describe()}.",
                NothingDone,
                $"Restore under another name, or use -Force: the database is then {fate} and the restored one takes its place.")
            { Subject = target };
        }

        // Better said now than after an hour's restore.
        await RefuseUnlessOursAsync(target, session, cancellationToken).ConfigureAwait(false);
        await DatabaseSwap.RefuseConnectedAsync(session, new SwapRequest(target, existing.Oid), null, cancellationToken)
            .ConfigureAwait(false);
    }

    private static async Task RefuseUnlessOursAsync(PgTarget target, NpgsqlConnection session, CancellationToken cancellationToken)
    {
        var owner = await session.ScalarAsync<string>(
            """
            SELECT pg_catalog.pg_get_userbyid(datdba)::pg_catalog.text FROM pg_catalog.pg_database
            WHERE datname = $1 AND NOT pg_catalog.pg_has_role(datdba, 'USAGE')
            """,
            cancellationToken,
            target.Database).ConfigureAwait(false);
        if (owner is not null)
        {
            throw new PgOpsException(
                PgErrorCode.PermissionDenied,
                $"{target} belongs to \"{owner}\", and only its owner may rename it.",
                NothingDone,
                "Restore under another name; or empty the database and restore into it with -IntoEmpty.")
            { Subject = target };
        }
    }

    private static async Task<bool> IsSourceAsync(
        RestoreDatabaseRequest request, PgTarget target, DatabaseOccupancy existing, NpgsqlConnection session,
        CancellationToken cancellationToken)
    {
        var manifest = request.Backup.Manifest!;
        var cluster = await ClusterIdentity.ReadAsync(session, cancellationToken).ConfigureAwait(false);

        // A role that may not read the identity is given no benefit of the doubt where the address is the same.
        var sameCluster = cluster.Length > 0 && manifest.Server.ClusterId.Length > 0
            ? cluster == manifest.Server.ClusterId
            : target.Host == manifest.Server.Host && target.Port == manifest.Server.Port;
        return sameCluster && (target.Database == manifest.Database || existing.Oid == manifest.Facts.Oid);
    }
}
