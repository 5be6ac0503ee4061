using Npgsql;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.History;

/// <summary>How a role and a history stand to each other.</summary>
/// <param name="HasSchema">Whether the schema is there.</param>
/// <param name="HasTable">Whether the table is there.</param>
/// <param name="Readable">Whether the role may read the table.</param>
/// <param name="HidesRows">Whether policies choose the rows that the role sees: an empty answer would be no answer.</param>
/// <param name="Role">The role that works.</param>
/// <param name="Database">The database.</param>
internal sealed record HistoryStanding(bool HasSchema, bool HasTable, bool Readable, bool HidesRows, string Role, string Database)
{
    /// <summary>Asks the catalog.</summary>
    /// <exception cref="PgOpsException">PermissionDenied: the history is there, and the role may not read it, or not every row.</exception>
    internal static async Task<HistoryStanding> ReadAsync(
        NpgsqlConnection connection, HistoryTable table, CancellationToken cancellationToken)
    {
        var standing = (await connection.QueryAsync(HistoryTable.StandingQuery, Of, cancellationToken, table.Schema)
            .ConfigureAwait(false))[0];
        if (standing is { HasTable: true, Readable: false })
        {
            throw new PgOpsException(
                PgErrorCode.PermissionDenied,
                $"The role \"{standing.Role}\" may not read the history {table.Name}.",
                "Nothing was touched.",
                $"As the table's owner: GRANT USAGE ON SCHEMA {Quote.Identifier(table.Schema)} TO {standing.Grantee}; "
                    + $"GRANT SELECT, INSERT, UPDATE ON {table.Name} TO {standing.Grantee}; (to look only, SELECT is enough).");
        }

        if (standing.HidesRows)
        {
            throw new PgOpsException(
                PgErrorCode.PermissionDenied,
                $"Row-level security would hide rows of the history {table.Name} from the role \"{standing.Role}\".",
                "Nothing was touched: without these rows, migrations that are applied would look pending.",
                $"As the table's owner: ALTER TABLE {table.Name} DISABLE ROW LEVEL SECURITY; "
                    + $"or as a superuser: ALTER ROLE {standing.Grantee} BYPASSRLS; then run the command again.");
        }

        return standing;
    }

    /// <summary>The role, quoted for a command.</summary>
    internal string Grantee => Quote.Identifier(Role);

    private static HistoryStanding Of(NpgsqlDataReader row) => new(
        row.GetBoolean(0), row.GetBoolean(1), !row.IsDBNull(2) && row.GetBoolean(2), !row.IsDBNull(3) && row.GetBoolean(3),
        row.GetString(4), row.GetString(5));
}
