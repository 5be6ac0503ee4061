using System.Text.Json;
using System.Text.RegularExpressions;
using Npgsql;
using PgOps.Core.Migrations.History;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Running;

/// <summary>
/// What is in a session beyond what a migration begins with, as the server tells it: settings, the role, prepared statements, held cursors,
/// temporary relations. It is recorded with each statement that is done, so that a resumed run can tell whether its session is the same,
/// whatever gave it that state: a statement, a function, a trigger. Of values only a digest is kept. Not told are timeouts,
/// advisory locks that code took, LISTEN, the seed of random() and currval.
/// </summary>
internal sealed partial class SessionRecord
{
    private const string Setting = "setting";
    private const string Own = "/* settings of its own */";
    private const string NotedSetting = "pgops.session_noted";
    private const int MostNames = 1000;

    /// <summary>Tells the rows of <see cref="Ended"/> from those of a script's statements.</summary>
    internal const string EndedColumn = "pgops_session_ended";

    private readonly string _beginning;
    private string _query = "";

    /// <param name="beginning">The settings that every migration begins with.</param>
    internal SessionRecord(IReadOnlyCollection<(string Name, string Value)> beginning)
    {
        var compared = beginning.Where(setting => setting.Name is "search_path" or "role" or "session_authorization").ToList();
        var passed = beginning.Select(setting => setting.Name)
            .Concat(["search_path", "lock_timeout", "transaction_isolation", "transaction_read_only", "transaction_deferrable"]);
        _beginning = $"""
            SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(kind, name, value) ORDER BY kind, name), '[]')::text FROM (
                SELECT '{Setting}' AS kind, name, pg_catalog.md5(value) AS value FROM (
                    SELECT name, setting FROM pg_catalog.pg_settings
                    WHERE source = 'session' AND name NOT LIKE 'pgops.%' AND name NOT IN ({Literals(passed)})
                    UNION ALL SELECT n, pg_catalog.current_setting(n) FROM (VALUES ('search_path'), ('role')) of_each (n)
                    UNION ALL SELECT 'session_authorization', session_user::text
                    {Own}
                ) s (name, value)
                WHERE (name, value) NOT IN (
                    VALUES {string.Join(", ", compared.Select(setting => $"({Literals([setting.Name, setting.Value])})"))})
                UNION ALL
                SELECT 'prepared statement', name, '' FROM pg_catalog.pg_prepared_statements WHERE name NOT LIKE 'pgops\_%'
                UNION ALL
                SELECT 'cursor', name, '' FROM pg_catalog.pg_cursors WHERE is_holdable
                UNION ALL
                SELECT 'temporary relation', relname::text, '' FROM pg_catalog.pg_class
                WHERE pg_catalog.pg_my_temp_schema() <> 0 AND relnamespace = pg_catalog.pg_my_temp_schema()
                    AND relkind IN ('r', 'p', 'v', 'S')
            ) state (kind, name, value)
            """;
        Watch([]);
    }

    /// <summary>Where code speaks of settings of its own, of which pg_settings says nothing: their names are to be known.</summary>
    internal static string RoutinesQuery =>
        """
        SELECT p.prosrc FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang
        WHERE p.oid >= 16384 AND p.prokind <> 'a' AND l.lanname NOT IN ('c', 'internal')
            AND p.prosrc ~* '(set_config|current_setting|\mset\M)' AND p.prosrc ~ '\w\.\w'
        """;

    /// <summary>Takes settings with a dot in, which are found by their names alone.</summary>
    /// <param name="code">Texts that name them: the migration's, and those of <see cref="RoutinesQuery"/>.</param>
    internal void Watch(IEnumerable<string> code)
    {
        var names = code.SelectMany(text => DottedName().Matches(text)).Select(match => match.Value.ToLowerInvariant())
            .Where(name => !name.StartsWith("pgops.", StringComparison.Ordinal) && !name.StartsWith("pg_", StringComparison.Ordinal))
            .Distinct(StringComparer.Ordinal).Take(MostNames).ToList();
        var values = string.Join(", ", names.Select(name => $"({Quote.Literal(name)})"));
        var own = $"UNION ALL SELECT n, pg_catalog.current_setting(n, true) FROM (VALUES {values}) own (n) "
            + "WHERE pg_catalog.current_setting(n, true) <> ''";
        _query = _beginning.Replace(Own, names.Count == 0 ? "" : own, StringComparison.Ordinal);
    }

    /// <summary>Asks for it.</summary>
    internal string Query => _query;

    /// <summary>Lets the next history row that is rewritten in this transaction hold it.</summary>
    internal NpgsqlBatchCommand Note() => NoteOf(_query);

    /// <summary>
    /// The same at the end of a transaction whose statements say that some settings are for it alone: of these what was before.
    /// </summary>
    /// <param name="before">What the session held when it began.</param>
    /// <param name="local">Their names.</param>
    internal NpgsqlBatchCommand NoteAtEnd(string before, IReadOnlyCollection<string> local) => local.Count == 0 ? Note() : NoteOf($"""
        SELECT coalesce(pg_catalog.jsonb_agg(e ORDER BY e ->> 0, e ->> 1), '[]')::text FROM (
            SELECT e FROM pg_catalog.jsonb_array_elements(({_query})::jsonb) now (e)
            WHERE e ->> 0 <> '{Setting}' OR e ->> 1 NOT IN ({Literals(local)})
            UNION ALL
            SELECT e FROM pg_catalog.jsonb_array_elements({Quote.Literal(before)}::jsonb) before (e)
            WHERE e ->> 0 = '{Setting}' AND e ->> 1 IN ({Literals(local)})
        ) noted
        """);

    /// <summary>
    /// Asks, behind the COMMIT, what was noted within the transaction and what the session holds now that it has ended: two columns.
    /// The time that the file gives its statements is not for this one.
    /// </summary>
    internal IEnumerable<NpgsqlBatchCommand> Ended() =>
    [
        new("BEGIN"), new("SET LOCAL statement_timeout = 0"),
        new($"SELECT pg_catalog.current_setting('{NotedSetting}', true), ({_query}) AS {EndedColumn}"), new("COMMIT"),
    ];

    private static NpgsqlBatchCommand NoteOf(string query) => new(
        $"SELECT pg_catalog.set_config('{NotedSetting}', pg_catalog.set_config('{HistoryTable.SessionSetting}', ({query}), true), false)");

    /// <summary>What is in one of two sessions and not in the other, or otherwise, as far as statements can tell.</summary>
    /// <param name="recorded">What was recorded of the one; null for nothing.</param>
    /// <param name="now">What the other has.</param>
    /// <param name="left">What is to be run: an object that none of them mentions does not count.</param>
    /// <returns>
    /// The names, with what they are when they are not settings. A setting that the next of the statements assign does not count.
    /// </returns>
    internal static IReadOnlyList<string> Differences(string? recorded, string now, IReadOnlyList<SqlStatement> left)
    {
        if (recorded is null || left.Count == 0)
        {
            return [];
        }

        var assigned = left.TakeWhile(SqlSessionTraits.IsSessionState).SelectMany(SettingAssignment.Of)
            .ToHashSet(StringComparer.Ordinal);
        var all = assigned.Contains("all");
        var before = Read(recorded);
        var after = Read(now);
        before.SymmetricExceptWith(after);
        return [.. before
            .Where(item => item.Kind == Setting
                ? !assigned.Contains(item.Name) && !(all && item.Name is not ("role" or "session_authorization"))
                : left.Any(statement => SqlSessionTraits.Mentions(statement, item.Name)))
            .Select(item => item.Kind == Setting ? item.Name : $"the {item.Kind} {item.Name}")
            .Distinct().Order(StringComparer.Ordinal)];
    }

    private static HashSet<(string Kind, string Name, string Value)> Read(string record)
        => [.. JsonSerializer.Deserialize<string[][]>(record)!.Select(item => (item[0], item[1], item[2]))];

    [GeneratedRegex(@"(?<![\w.])[a-z_]\w*(\.[a-z_]\w*)+(?![\w.(])", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex DottedName();

    private static string Literals(IEnumerable<string> values) => string.Join(", ", values.Select(Quote.Literal));
}
