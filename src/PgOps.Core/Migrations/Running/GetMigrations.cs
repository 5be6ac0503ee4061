using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Migrations.Adoption;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Locking;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Migrations.Running;

/// <summary>Shows how each migration stands, without lock or change.</summary>
public sealed class GetMigrations
{
    /// <summary>Reads the folder and the history.</summary>
    /// <param name="request">The database, the folder, the history's schema and the variables.</param>
    /// <param name="withScripts">Whether to bring the applied scripts along, and how they differ from the files.</param>
    /// <param name="sink">Receives a <see cref="PgMigration"/> each, in the order of versions.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task RunAsync(MigrationRequest request, bool withScripts, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, () => request.Target, () => WorkAsync(request, withScripts, sink, cancellationToken));

    private async Task WorkAsync(MigrationRequest request, bool withScripts, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        var folder = MigrationFolder.Read(request.Path, request.Variables);
        sink.Log.Tell(folder);
        var target = request.Target;
        try
        {
            var connection = await ServerConnection.OpenAsync(target, sink.Log, cancellationToken).ConfigureAwait(false);
            await using (connection.ConfigureAwait(false))
            {
                await MigratorSession.ReadEveryRowAsync(connection, cancellationToken).ConfigureAwait(false);
                var history = await MigrationHistory.ReadAsync(
                    connection, new HistoryTable(request.HistorySchema), withScripts, cancellationToken).ConfigureAwait(false);
                foreach (var migration in await StatusAsync(request, folder, history, connection, cancellationToken).ConfigureAwait(false))
                {
                    sink.Output(withScripts
                        ? migration with { Difference = ScriptDifference.Of(migration, folder, history) }
                        : migration);
                }
            }
        }
        catch (NpgsqlException error)
        {
            throw ServerErrors.Working(target, error, "reading the migration history");
        }
    }

    /// <summary>By PgOps' own history; where that holds nothing, by the word of the tool that was there.</summary>
    private static async Task<List<PgMigration>> StatusAsync(
        MigrationRequest request,
        MigrationFolder folder,
        MigrationHistory history,
        NpgsqlConnection connection,
        CancellationToken cancellationToken)
    {
        var own = MigrationStatus.Join(folder, history, request.Target);
        return history.Rows.Count == 0 && history.Adoption is null
            && await ForeignStatus.ReadAsync(request, folder, own, connection, cancellationToken).ConfigureAwait(false) is { } theirs
            ? theirs
            : await ForeignStatus.CompareAsync(request, folder, history, own, connection, cancellationToken).ConfigureAwait(false);
    }
}
