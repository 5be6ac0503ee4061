using Npgsql;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Comparison;

/// <summary>
/// A query of a table that fails before it reads a row: the planner reads the expressions of the table's indexes, and opens their
/// functions. COPY of the table itself plans nothing, so pg_dump dumps it.
/// </summary>
internal static class PlanningFailure
{
    /// <summary>Whether an error may be of this kind: neither the connection, nor locks, nor the server's resources, nor rights.</summary>
    internal static bool IsOne(PostgresException error)
        => !ServerErrors.IsLost(error)
            && error.SqlState != PostgresErrorCodes.InsufficientPrivilege
            && error.SqlState[..2] is not ("40" or "53" or "55" or "57" or "58" or "XX");

    /// <summary>What was in the way, and what it means.</summary>
    internal static string Describe(DumpedTable table, PostgresException error)
        => error.SqlState.StartsWith("42", StringComparison.Ordinal)
            ? $"{table.Qualified} cannot be queried without a search_path: {error.SqlState} {error.MessageText}. A function in one of its "
                + "indexes calls another one without its schema, and the restore will fail there: "
                + "ALTER FUNCTION ... SET search_path, or write the schema in the function."
            // A function with constant arguments is called by the planner.
            : $"{table.Qualified} cannot be queried: {error.SqlState} {error.MessageText}. A function in one of its indexes fails, and the "
                + "restore may fail there.";

    /// <summary>What is not known of the table for that.</summary>
    internal static string OfGenerated(DumpedTable table)
        => $" What its stored generated columns hold is not in the backup's manifest: {string.Join(", ", table.Generated)}.";
}
