using System.Globalization;
using Npgsql;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Databases;

/// <summary>
/// What a restored database gets in the transaction that puts it in place: from the database that it replaces what a switch carries over
/// too, else from the backup. Until then nobody but the owner may connect to it.
/// </summary>
internal static class CarriedProperties
{
    /// <summary>Gives them.</summary>
    /// <param name="session">The session, inside the transaction; the database has its final name.</param>
    /// <param name="request">What is replaced, and how.</param>
    /// <param name="replaced">The new name of the replaced database; null when none was.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task ApplyAsync(
        NpgsqlConnection session, SwapRequest request, string? replaced, CancellationToken cancellationToken)
    {
        var name = request.Target.Database;
        var grants = await GrantsAsync(session, request, replaced, cancellationToken).ConfigureAwait(false);
        foreach (var statement in await DatabaseGrants.StatementsAsync(session, grants, name, cancellationToken).ConfigureAwait(false))
        {
            await session.ExecuteAsync(statement, cancellationToken).ConfigureAwait(false);
        }

        if (request.Facts is not { } facts)
        {
            return;
        }

        var old = replaced is null || request.ReplacesEmpty
            ? null
            : await DatabaseProperties.ReadAsync(session, replaced, cancellationToken).ConfigureAwait(false);
        var (limit, comment, template) = old is null
            ? (facts.ConnectionLimit, facts.Comment, facts.IsTemplate)
            : (old.ConnectionLimit, DatabaseProperties.OwnComment(old.Comment), old.IsTemplate);
        foreach (var (setting, role) in old?.Settings.Where(one => one.Role is not null) ?? [])
        {
            await session.ExecuteAsync(DatabaseSettings.Statement(name, setting, role), cancellationToken).ConfigureAwait(false);
        }

        var quoted = Quote.Identifier(name);
        await session.ExecuteAsync(
            string.Create(CultureInfo.InvariantCulture, $"ALTER DATABASE {quoted} CONNECTION LIMIT {limit}"), cancellationToken)
            .ConfigureAwait(false);
        if (request.Comment is null && comment is not null)
        {
            await session.ExecuteAsync($"COMMENT ON DATABASE {quoted} IS {Quote.Literal(comment)}", cancellationToken)
                .ConfigureAwait(false);
        }

        if (template)
        {
            await session.ExecuteAsync($"ALTER DATABASE {quoted} IS_TEMPLATE true", cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task<IReadOnlyList<PgDatabaseGrant>> GrantsAsync(
        NpgsqlConnection session, SwapRequest request, string? replaced, CancellationToken cancellationToken)
    {
        var ours = request.Facts?.Grants ?? DatabaseGrants.Default;
        if (replaced is null || !request.KeepGrants)
        {
            return request.KeepGrants ? ours : DatabaseGrants.Default;
        }

        // An empty database that somebody has made to be filled: what was granted on it on purpose stays.
        var old = await DatabaseGrants.ReadAsync(session, replaced, cancellationToken).ConfigureAwait(false);
        return request.ReplacesEmpty && old.ToHashSet().SetEquals(DatabaseGrants.Default) ? ours : old;
    }
}
