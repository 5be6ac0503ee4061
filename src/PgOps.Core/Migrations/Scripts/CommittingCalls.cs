using Npgsql;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>
/// Finds the CALL and DO statements that commit on their own, which a transaction block forbids: from the text of the code that they
/// run, procedures within procedures included. Only a procedure can commit, never a function.
/// </summary>
internal static class CommittingCalls
{
    private const string PlPgSql = "plpgsql";

    private static readonly string[] Opaque = ["c", "internal"];

    /// <summary>Whether a migration that is to run in a transaction calls a procedure.</summary>
    internal static bool AnyIn(MigrationScript script) => script.Transactional && script.Statements.SelectMany(Called).Any();

    /// <summary>Lets the migrations that call a procedure with COMMIT or ROLLBACK in it run statement by statement.</summary>
    /// <param name="connection">A session that sees the database's procedures.</param>
    /// <param name="scripts">What is to run; the procedures that they create are known too.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task<IReadOnlyList<MigrationScript>> SettleAsync(
        NpgsqlConnection connection, IReadOnlyList<MigrationScript> scripts, CancellationToken cancellationToken)
    {
        var calls = scripts.Select(script => script.Transactional ? script.Statements.SelectMany(Called).ToList() : []).ToList();
        if (calls.All(names => names.Count == 0))
        {
            return scripts;
        }

        var known = scripts.SelectMany(script => script.Statements)
            .Where(statement => RoutineBody.ProcedureOf(statement) is not null && RoutineBody.Of(statement) is not null)
            .ToLookup(statement => RoutineBody.ProcedureOf(statement)!, statement => (PlPgSql, RoutineBody.Of(statement)!));
        var settled = new List<MigrationScript>(scripts.Count);
        foreach (var (script, names) in scripts.Zip(calls))
        {
            var code = await CodeOfAsync(connection, names, known, cancellationToken).ConfigureAwait(false);
            settled.Add(code.Any(part => part.Language == PlPgSql && RoutineBody.Commits(part.Body)) ? script.ByStatement() : script);
        }

        return settled;
    }

    /// <summary>Whether a statement may commit on its own, as far as that cannot be ruled out.</summary>
    internal static async Task<bool> MayCommitAsync(
        NpgsqlConnection connection, SqlStatement statement, CancellationToken cancellationToken)
    {
        if (!SqlStatementTraits.RunsCode(statement))
        {
            return false;
        }

        if (RoutineBody.Of(statement) is { } body && RoutineBody.MentionsCommit(body))
        {
            return true;
        }

        var nothing = Array.Empty<string>().ToLookup(name => name, _ => ("", ""));
        var code = await CodeOfAsync(connection, Called(statement), nothing, cancellationToken).ConfigureAwait(false);
        return code.Any(part => Opaque.Contains(part.Language) || RoutineBody.MentionsCommit(part.Body));
    }

    private static IEnumerable<string> Called(SqlStatement statement)
        => RoutineBody.CalledBy(statement) is { } name ? [name]
            : statement.Keywords is ["DO", ..] && RoutineBody.Of(statement) is { } body ? RoutineBody.Calls(body)
            : [];

    private static async Task<List<(string Language, string Body)>> CodeOfAsync(
        NpgsqlConnection connection,
        IEnumerable<string> names,
        ILookup<string, (string Language, string Body)> known,
        CancellationToken cancellationToken)
    {
        var found = new List<(string Language, string Body)>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var open = names.Where(seen.Add).ToArray(); open.Length > 0;)
        {
            var code = await connection.QueryAsync(
                """
                SELECT l.lanname, p.prosrc FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang
                WHERE p.prokind = 'p' AND p.proname = ANY ($1)
                """,
                row => (row.GetString(0), row.GetString(1)),
                cancellationToken,
                (object)open).ConfigureAwait(false);
            code.AddRange(open.SelectMany(name => known[name]));
            found.AddRange(code);
            open = code.SelectMany(part => RoutineBody.Calls(part.Item2)).Where(seen.Add).ToArray();
        }

        return found;
    }
}
