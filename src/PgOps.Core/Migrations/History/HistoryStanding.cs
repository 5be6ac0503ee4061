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
        if (standing.HasTable)
        {
            Require(
                $"the history {table.Name}", table.Name, table.Schema, standing.Role, standing.Readable,
                standing.HidesRows, "SELECT, INSERT, UPDATE");
        }

        return standing;
    }

    /// <summary>Refuses to read a history, PgOps' or another tool's, of which the role would not see every row.</summary>
    /// <param name="what">Whose history, for the message.</param>
    /// <param name="name">The table's qualified name.</param>
    /// <param name="schema">Its schema.</param>
    /// <param name="role">The role.</param>
    /// <param name="readable">Whether it may read the table.</param>
    /// <param name="hidesRows">Whether policies choose the rows that it sees.</param>
    /// <param name="rights">What the work on the table needs.</param>
    /// <exception cref="PgOpsException">PermissionDenied.</exception>
    internal static void Require(
        string what, string name, string schema, string role, bool readable, bool hidesRows, string rights)
    {
        var grantee = Quote.Identifier(role);
        if (!readable)
        {
            throw new PgOpsException(
                PgErrorCode.PermissionDenied,
                $"The role \"{role}\" may not read {what}.",
                "Nothing was touched.",
                $"As the table's owner: GRANT USAGE ON SCHEMA {Quote.Identifier(schema)} TO {grantee}; "
                    + $"GRANT {rights} ON {name} TO {grantee};"
                    + (rights == "SELECT" ? "" : " (to look only, SELECT is enough)."));
        }

        if (hidesRows)
        {
            throw new PgOpsException(
                PgErrorCode.PermissionDenied,
                $"Row-level security would hide rows of {what} from the role \"{role}\".",
                "Nothing was touched: without these rows, migrations that are applied would look pending.",
                $"As the table's owner: ALTER TABLE {name} DISABLE ROW LEVEL SECURITY; "
                    + $"or as a superuser: ALTER ROLE {grantee} BYPASSRLS; then run the command again.");
        }
    }

    /// <summary>The role, quoted for a command.</summary>
    internal string Grantee => Quote.Identifier(Role);

    private static HistoryStanding Of(NpgsqlDataReader row) => new(
        row.GetBoolean(0), row.GetBoolean(1), !row.IsDBNull(2) && row.GetBoolean(2), !row.IsDBNull(3) && row.GetBoolean(3),
        row.GetString(4), row.GetString(5));
}
