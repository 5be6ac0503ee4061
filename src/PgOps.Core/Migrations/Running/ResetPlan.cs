using System.Globalization;
using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Migrations.Adoption;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Migrations.Running;

/// <summary>What a reset will do: every guard has been passed, and every script of the folder has been read.</summary>
/// <param name="Folder">The folder.</param>
/// <param name="Old">The database that will be dropped.</param>
/// <param name="Sessions">The sessions that will be ended.</param>
internal sealed record ResetPlan(MigrationFolder Folder, DatabaseProperties Old, IReadOnlyList<PgDatabaseSession> Sessions)
{
    private const string Untouched = "Nothing was touched.";

    /// <summary>Reads the folder, then looks at the server. Touches nothing.</summary>
    /// <exception cref="PgOpsException">A script is broken, or a guard refused.</exception>
    internal static async Task<ResetPlan> MakeAsync(ResetDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        RefuseName(request);
        var folder = MigrationFolder.Read(request.Migrations.Path, request.Migrations.Variables);
        foreach (var file in request.NoSeed ? folder.Files.Concat(folder.Repeatables) : folder.Scripts)
        {
            _ = MigrationScript.Read(file);
        }

        var session = await ServerConnection.OpenAsync(request.Maintenance, sink.Log, cancellationToken).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            try
            {
                await SessionFitness.RequireAsync(session, request.Maintenance, "a reset", cancellationToken).ConfigureAwait(false);
                var old = await GuardAsync(request.Target, session, cancellationToken).ConfigureAwait(false);
                await RefuseBesideAsync(request, sink, cancellationToken).ConfigureAwait(false);
                var sessions =
                    await DatabaseSessions.StayingAsync(session, request.Target.Database, cancellationToken).ConfigureAwait(false);
                return request.EndSessions || sessions.Count == 0
                    ? new ResetPlan(folder, old, sessions)
                    : throw new PgOpsException(
                        PgErrorCode.DatabaseInUse,
                        $"{request.Target} is in use: {DatabaseSessions.Describe(sessions)}",
                        Untouched,
                        ResetDatabase.WayOutOfSessions)
                    { Subject = request.Target };
            }
            catch (NpgsqlException error)
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw ServerErrors.Working(request.Maintenance, error, "looking at the server", Untouched);
            }
        }
    }

    /// <summary>The plan in words.</summary>
    internal string Describe(ResetDatabaseRequest request)
    {
        var versions = Folder.Files;
        var range = versions.Count == 0 ? "" : $" ({versions[0]} to {versions[^1]})";
        var ended = Sessions.Count == 0 ? "" : $"\n    ended first: {string.Join("\n    ended first: ", Sessions)}";
        var repeatables = Folder.Repeatables.Count == 0 ? "" : $", {PgAmount.Of(Folder.Repeatables.Count, "repeatable")}";
        var seeds = request.NoSeed ? "no seeds, because of -NoSeed" : PgAmount.Of(Folder.Seeds.Count, "seed");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"Drop {request.Target} ({Old.Facts.Bytes / 1048576.0:0.0} MiB, {PgAmount.Of(Sessions.Count, "session")} of others) ")
            + "and rebuild it "
            + $"from {request.Migrations.Path}: {PgAmount.Of(versions.Count, "migration")}{range}{repeatables}, {seeds}.{ended}";
    }

    private static void RefuseName(ResetDatabaseRequest request)
    {
        if (request.Target.Database is "postgres" or "template0" or "template1" || request.Target.Database == request.MaintenanceDatabase)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"{request.Target} is a database of the server itself and is not reset.",
                Untouched,
                "Give the application's database; of a sandbox: Start-PgSandbox <database>.")
            { Subject = request.Target };
        }

        if (request.Target.Schema is not (null or "public"))
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"{request.Target} names a schema, but a reset replaces the whole database, its other schemas too.",
                Untouched,
                "Leave the schema out to reset the database. For the schema alone: DROP SCHEMA … CASCADE, then "
                    + "Invoke-PgMigration -Schema … -CreateSchema -Seed.")
            { Subject = request.Target };
        }
    }

    /// <summary>
    /// Refuses where another tool goes on beside PgOps: the new database would lack that tool's table, and the tool would run all again.
    /// A history that was edited by hand is no reason to keep the database.
    /// </summary>
    private static async Task RefuseBesideAsync(ResetDatabaseRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        var connection = await ServerConnection.OpenAsync(request.Target, sink.Log, cancellationToken).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            MigrationHistory history;
            try
            {
                history = await MigrationHistory.ReadAsync(
                    connection, new HistoryTable(request.Migrations.HistorySchema), true, cancellationToken).ConfigureAwait(false);
            }
            catch (PgOpsException error) when (error.Code == PgErrorCode.HistoryTampered)
            {
                return;
            }

            if (AdoptedTool.Of(history) is { Mode: AdoptionMode.Beside } adopted)
            {
                throw new PgOpsException(
                    PgErrorCode.InvalidArgument,
                    $"{request.Target} is migrated by {adopted.Tool.Title} and PgOps side by side; a reset would leave it without "
                        + $"{adopted.TableName}, and {adopted.Tool.Title} would run every migration again.",
                    Untouched,
                    $"Reset it with {adopted.Tool.Title}; or let PgOps go on alone first: "
                        + "Import-PgMigrationHistory -Update -Beside:$false.")
                { Subject = request.Target };
            }
        }
    }

    private static async Task<DatabaseProperties> GuardAsync(PgTarget target, NpgsqlConnection session, CancellationToken cancellationToken)
    {
        var old = await DatabaseProperties.ReadAsync(session, target.Database, cancellationToken).ConfigureAwait(false)
            ?? throw new PgOpsException(
                PgErrorCode.ConnectionFailed,
                $"There is no database {target}.",
                Untouched,
                "Create it (CREATE DATABASE …), mark it, and run Invoke-PgMigration -Seed.")
            { Subject = target };
        if (old.IsTemplate)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument, $"{target} is a template for other databases and is not reset.", Untouched,
                "Give another database.")
            { Subject = target };
        }

        await DevelopmentMark.RequireAsync(session, target, cancellationToken).ConfigureAwait(false);
        return old.IsOurs
            ? old
            : throw new PgOpsException(
                PgErrorCode.PermissionDenied,
                $"The role \"{target.Username}\" may not replace {target}: "
                    + $"that takes CREATEDB and the rights of its owner \"{old.Facts.Owner}\".",
                Untouched,
                $"Work as the owner, and let a superuser run: ALTER ROLE … CREATEDB.")
            { Subject = target };
    }
}
