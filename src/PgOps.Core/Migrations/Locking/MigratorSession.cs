using Microsoft.Extensions.Logging;
using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Migrations.Locking;

/// <summary>Opens a migrator's session.</summary>
internal static class MigratorSession
{
    /// <summary>A session fit for migrating: a primary of a supported version, with no pooler in between.</summary>
    internal static async Task<NpgsqlConnection> OpenAsync(MigrationRequest request, ILogger log, CancellationToken cancellationToken)
    {
        var target = request.Target;
        var connection = await ServerConnection.OpenAsync(target, log, cancellationToken).ConfigureAwait(false);
        return await connection.OrDisposeAsync(async () =>
        {
            await SessionFitness.RequireAsync(connection, target, "a migration", cancellationToken).ConfigureAwait(false);
            await ReadEveryRowAsync(connection, cancellationToken).ConfigureAwait(false);
            return connection;
        }).ConfigureAwait(false);
    }

    /// <summary>What a history holds, PgOps' or another tool's, must not be half of it, unnoticed: a policy is then an error.</summary>
    internal static Task ReadEveryRowAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
        => connection.ExecuteAsync("SET row_security = off", cancellationToken);
}
