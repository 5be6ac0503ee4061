using System.Text.RegularExpressions;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Checks;

/// <summary>Holds a file of expectations against a database. What is there beyond it is nobody's fault.</summary>
internal sealed partial class ExpectationInspection
{
    private readonly CatalogSession _session;
    private readonly IReadOnlyList<ExpectedTable> _expected;
    private readonly Dictionary<string, string?> _typeProblems = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _types = new(StringComparer.Ordinal);

    internal ExpectationInspection(CatalogSession session, IReadOnlyList<ExpectedTable> expected)
    {
        _session = session;
        _expected = expected;
    }

    private string Wanted => string.Join(", ", _expected.Select(table => $"({Quote.Literal(table.Schema)}, {Quote.Literal(table.Name)})"));

    /// <summary>The tables that are missing.</summary>
    internal async Task<IReadOnlyList<PgFinding>> TablesAsync(CancellationToken cancellationToken)
    {
        var there = await TheirRowSecurityAsync(cancellationToken).ConfigureAwait(false);
        return [.. _expected.Where(table => !there.ContainsKey((table.Schema, table.Name))).Select(table => Finding(
            PgFindingKind.ExpectedTables, Name(table), "is missing", "Run the migration that creates it, or correct the expectations."))];
    }

    /// <summary>The columns that are missing or of another type, of the tables that are there.</summary>
    internal async Task<IReadOnlyList<PgFinding>> ColumnsAsync(CancellationToken cancellationToken)
    {
        var columns = (await _session.Connection.QueryAsync(
            $"""
            SELECT n.nspname::text, c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.atttypid::bigint
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND (n.nspname, c.relname) IN ({Wanted})
            """,
            row => (Table: (row.GetString(0), row.GetString(1)), Name: row.GetString(2), Type: row.GetString(3), Oid: row.GetInt64(4)),
            cancellationToken).ConfigureAwait(false)).ToLookup(column => column.Table);
        var there = await TheirRowSecurityAsync(cancellationToken).ConfigureAwait(false);
        var findings = new List<PgFinding>();
        foreach (var table in _expected.Where(table => there.ContainsKey((table.Schema, table.Name))))
        {
            foreach (var (name, type) in table.Columns)
            {
                var column = columns[(table.Schema, table.Name)].FirstOrDefault(one => one.Name == name);
                if (column.Name is null)
                {
                    findings.Add(Finding(
                        PgFindingKind.ExpectedColumns, $"{Name(table)}.{Shown(name)}", "is missing",
                        "Run the migration that adds it, or correct the expectations."));
                }
                else if (type is not null
                    && await DiffersAsync(type, column.Type, column.Oid, cancellationToken).ConfigureAwait(false) is { } problem)
                {
                    findings.Add(Finding(
                        PgFindingKind.ExpectedColumns, $"{Name(table)}.{Shown(name)}", problem,
                        "Run the migration that changes it, or correct the expectations."));
                }
            }
        }

        return findings;
    }

    /// <summary>The policies that are missing, and row-level security that is not as expected, of the tables that are there.</summary>
    internal async Task<IReadOnlyList<PgFinding>> PoliciesAsync(CancellationToken cancellationToken)
    {
        var policies = (await _session.Connection.QueryAsync(
            $"""
            SELECT n.nspname::text, c.relname::text, p.polname::text
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_policy p ON p.polrelid = c.oid
            WHERE (n.nspname, c.relname) IN ({Wanted})
            """,
            row => (row.GetString(0), row.GetString(1), row.GetString(2)),
            cancellationToken).ConfigureAwait(false)).ToHashSet();
        var there = await TheirRowSecurityAsync(cancellationToken).ConfigureAwait(false);
        var findings = new List<PgFinding>();
        foreach (var table in _expected.Where(table => there.ContainsKey((table.Schema, table.Name))))
        {
            findings.AddRange(table.Policies.Where(
                policy => !policies.Contains((table.Schema, table.Name, policy))).Select(policy => Finding(
                PgFindingKind.ExpectedPolicies,
                $"{Shown(policy)} on {Name(table)}",
                "is missing",
                $"CREATE POLICY {Shown(policy)} ON {Name(table)} …, as its migration has it.")));
            if (table.RowSecurity is { } expected && expected != there[(table.Schema, table.Name)])
            {
                findings.Add(Finding(
                    PgFindingKind.ExpectedPolicies,
                    Name(table),
                    expected ? "has row-level security off: its policies do not count" : "has row-level security on",
                    $"ALTER TABLE {Name(table)} {(expected ? "ENABLE" : "DISABLE")} ROW LEVEL SECURITY."));
            }
        }

        return findings;
    }

    private async Task<Dictionary<(string Schema, string Name), bool>> TheirRowSecurityAsync(CancellationToken cancellationToken)
        => (await _session.Connection.QueryAsync(
            $"""
            SELECT n.nspname::text, c.relname::text, c.relrowsecurity FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND (n.nspname, c.relname) IN ({Wanted})
            """,
            row => (Key: (row.GetString(0), row.GetString(1)), Security: row.GetBoolean(2)),
            cancellationToken).ConfigureAwait(false)).ToDictionary(table => table.Key, table => table.Security);

    /// <summary>
    /// How a column's type differs from what was expected; null when it does not. The server knows every spelling of its types.
    /// </summary>
    private async Task<string?> DiffersAsync(string expected, string found, long oid, CancellationToken cancellationToken)
    {
        if (string.Equals(expected, found, StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        if (!_types.ContainsKey(expected))
        {
            var refusal = await _session.TryAsync(
                async () => _types[expected] = await _session.Connection.ScalarAsync<long?>(
                    "SELECT to_regtype($1::text)::oid::bigint", cancellationToken, expected).ConfigureAwait(false) ?? 0,
                cancellationToken).ConfigureAwait(false);
            _typeProblems[expected] = refusal?.MessageText;
            _ = _types.TryAdd(expected, 0);
        }

        if (_types[expected] == 0)
        {
            return $"is of the type {found}, and {expected} was expected, which is not a type here"
                + $"{(_typeProblems[expected] is { } said ? $": {said}" : "; a type outside pg_catalog has its schema's name")}";
        }

        var modifier = Modifier(expected);
        return _types[expected] == oid && (modifier.Length == 0 || modifier == Modifier(found))
            ? null
            : $"is of the type {found}, and {expected} was expected";
    }

    private static string Modifier(string type) => Modifiers().Match(type).Value.Replace(" ", "", StringComparison.Ordinal);

    private static PgFinding Finding(PgFindingKind kind, string name, string problem, string next)
        => new() { Kind = kind, Object = name, Severity = PgFindingSeverity.Error, Problem = problem, NextStep = next };

    private static string Name(ExpectedTable table) => table.FullName;

    private static string Shown(string name) => ExpectedTable.Shown(name);

    [GeneratedRegex(@"\([^)]*\)", RegexOptions.CultureInvariant)]
    private static partial Regex Modifiers();
}
