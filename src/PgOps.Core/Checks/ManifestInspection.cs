using System.Globalization;
using PgOps.Core.Common.Text;
using PgOps.Core.Comparison;
using PgOps.Core.Postgres.Catalog;

namespace PgOps.Core.Checks;

/// <summary>
/// Holds a backup's manifest against a database: everything that was there must be there. What is defined differently is a warning, for
/// after a migration it may be meant so, and what came later is nobody's fault. Compare-PgDatabase finds every difference.
/// </summary>
internal sealed class ManifestInspection
{
    private static readonly string[] TableKinds = ["table", "foreign table", "view", "materialized view"];

    private readonly PgBackupManifest _manifest;
    private readonly CatalogSession _session;
    private readonly ObjectInventory? _recorded;
    private readonly ObjectInventory _found;
    private readonly HashSet<string> _missing;

    private ManifestInspection(CatalogSession session, PgBackupManifest manifest, ObjectInventory found)
    {
        _session = session;
        _manifest = manifest;
        _found = found;
        _recorded = ObjectInventory.From(manifest);
        _missing = [.. (_recorded?.Objects.Keys ?? []).Where(one => TableKinds.Contains(one.Kind)).Select(one => one.Name)];
        _missing.ExceptWith(found.Objects.Keys.Where(one => TableKinds.Contains(one.Kind)).Select(one => one.Name));
    }

    internal static async Task<ManifestInspection> ReadAsync(
        CatalogSession session, PgBackupManifest manifest, CancellationToken cancellationToken)
        => new(session, manifest, await ObjectInventory.ReadAsync(
            session.Connection, ObjectQueries.Expected(session.Version), true, cancellationToken).ConfigureAwait(false));

    /// <summary>
    /// The tables and views that are missing. A manifest without a list of objects still lists the tables whose rows it has.
    /// </summary>
    internal async Task<Inspection> TablesAsync(CancellationToken cancellationToken) => new(
        _recorded is null
            ? await new ExpectationInspection(
                _session, [.. _manifest.Tables.Select(
                    table => new ExpectedTable(table.Schema, table.Name, new Dictionary<string, string?>(), [], null))])
                .TablesAsync(cancellationToken).ConfigureAwait(false)
            : [.. _missing.Order(StringComparer.Ordinal).Select(name => Missing(PgFindingKind.ExpectedTables, name))]);

    /// <summary>The columns that are missing or defined differently.</summary>
    internal Inspection Columns() => Compare(PgFindingKind.ExpectedColumns, ["column"]);

    /// <summary>The policies that are missing or defined differently, and tables whose row-level security is off.</summary>
    internal Inspection Policies() => Compare(PgFindingKind.ExpectedPolicies, ["policy", "row security"]);

    private Inspection Compare(PgFindingKind kind, string[] kinds)
    {
        if (_recorded is null)
        {
            return new Inspection([], ObjectComparison.WhyNone(_manifest));
        }

        var unread = new List<string>();
        var unsettled = 0;
        var findings = new List<PgFinding>();
        foreach (var (name, one) in _recorded.Objects.Where(one => kinds.Contains(one.Key.Kind) && !WentWithItsTable(one.Key))
            .OrderBy(one => one.Key.Name, StringComparer.Ordinal))
        {
            if (!_found.Objects.TryGetValue(name, out var other))
            {
                findings.Add(name.Kind == "row security" ? RowSecurityOff(name.Name) : Missing(kind, name.Name));
            }
            else if (!one.Is(other) && _recorded.ServerMajor != _found.ServerMajor && (one.HoldsQuery || other.HoldsQuery))
            {
                unread.Add(name.Name);
            }
            else if (!one.Is(other) && _recorded.MayHoldInternalOptions(name))
            {
                unsettled++;
            }
            else if (!one.Is(other))
            {
                findings.Add(Differs(kind, name, one, other));
            }
        }

        var notCompared = new List<string>();
        if (unread.Count > 0)
        {
            notCompared.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"not compared, because PostgreSQL words queries differently between versions {_recorded.ServerMajor} and "
                    + $"{_found.ServerMajor}: {NameList.Of(unread)}"));
        }

        if (unsettled > 0)
        {
            notCompared.Add($"{PgAmount.Of(unsettled, "column")} not compared: {InternalOptions.WhyNotCompared}");
        }

        return new Inspection(findings, notCompared.Count == 0 ? null : string.Join("; ", notCompared));
    }

    /// <summary>Whether it belongs to a missing table: that is told once.</summary>
    private bool WentWithItsTable(ObjectName name) => _missing.Count > 0 && name.Kind switch
    {
        "column" => Enumerable.Range(0, name.Name.Length).Any(i => name.Name[i] == '.' && _missing.Contains(name.Name[..i])),
        "policy" => _missing.Contains(name.Name[(name.Name.LastIndexOf(" on ", StringComparison.Ordinal) + 4)..]),
        _ => _missing.Contains(name.Name),
    };

    private static PgFinding Differs(PgFindingKind kind, ObjectName name, SchemaObject expected, SchemaObject found) => new()
    {
        Kind = kind,
        Object = name.Kind == "row security" ? $"row-level security of {name.Name}" : name.Name,
        Severity = PgFindingSeverity.Warning,
        Problem = $"is defined differently than in the manifest ({DefinitionPair.Describe(expected.Definition, found.Definition)})",
        NextStep = "Where no migration meant that, restore the backup beside this database and compare the two with Compare-PgDatabase.",
    };

    private static PgFinding RowSecurityOff(string table) => new()
    {
        Kind = PgFindingKind.ExpectedPolicies,
        Object = table,
        Severity = PgFindingSeverity.Error,
        Problem = "has row-level security off: its policies do not count",
        NextStep = $"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY.",
    };

    private static PgFinding Missing(PgFindingKind kind, string name) => new()
    {
        Kind = kind,
        Object = name,
        Severity = PgFindingSeverity.Error,
        Problem = "is missing; the manifest has it",
        NextStep = "Where no migration removed it, restore the backup beside this database and take it from there.",
    };
}
