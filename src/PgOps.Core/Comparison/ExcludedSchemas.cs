using Npgsql;
using PgOps.Core.Common.Text;
using PgOps.Core.Migrations.History;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Comparison;

/// <summary>The schemas that a comparison leaves out on request, with all that is in them.</summary>
internal sealed class ExcludedSchemas
{
    private const string Query = "SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'";

    private readonly IReadOnlyList<string> _patterns;
    private readonly SortedSet<string> _found = new(StringComparer.Ordinal);

    internal ExcludedSchemas(IReadOnlyList<string> patterns)
    {
        _patterns = patterns;
    }

    /// <summary>Those that are there, on either side.</summary>
    internal IReadOnlyCollection<string> Found => _found;

    /// <summary>The schema with the reference's history of migrations.</summary>
    internal string HistorySchema { get; set; } = HistoryTable.DefaultSchema;

    /// <summary>Whether the schema with PgOps' history is among them.</summary>
    internal bool HoldHistory => HistorySchema == HistoryTable.SeveralSchemas ? _found.Count > 0 : Fits(HistorySchema);

    /// <summary>Whether something of this schema and name is compared.</summary>
    internal bool Wants(string schema, string name) => !Fits(schema);

    /// <summary>The rules without these schemas.</summary>
    internal ObjectRules Apply(ObjectRules rules) => rules with { LeavesOut = Fits };

    /// <summary>What a manifest holds without these schemas.</summary>
    internal PgBackupManifest Apply(PgBackupManifest manifest) => _patterns.Count == 0 ? manifest : manifest with
    {
        Tables = [.. manifest.Tables.Where(table => Wants(table.Schema, table.Name))],
        MaterializedViews = manifest.MaterializedViews?.Where(view => Wants(view.Schema, view.Name)).ToList(),
        Sequences = [.. manifest.Sequences.Where(sequence => Wants(sequence.Schema, sequence.Name))],
    };

    /// <summary>
    /// Notes what is there; a pattern that fits nothing on either side is a slip, and would make a difference look like one.
    /// </summary>
    /// <param name="schemas">The schemas of both sides.</param>
    /// <exception cref="PgOpsException">SchemaNotFound, naming the patterns; InvalidArgument when nothing is left.</exception>
    internal void Require(IReadOnlyCollection<string> schemas)
    {
        _found.UnionWith(schemas.Where(Fits));
        var idle = _patterns.Where(pattern => !schemas.Any(schema => NamePattern.Fits(pattern, schema))).ToList();
        if (idle.Count > 0)
        {
            throw new PgOpsException(
                PgErrorCode.SchemaNotFound,
                $"Neither side has a schema {string.Join(", nor one ", idle)}.",
                "Nothing was compared.",
                $"{NamePattern.Advice}.");
        }

        if (_patterns.Count > 0 && schemas.All(Fits))
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"-ExcludeSchema leaves nothing to compare: there is no schema beside {NameList.InSentence(_found)}.",
                "Nothing was compared.",
                "Leave out fewer schemas.");
        }
    }

    /// <summary>The schemas of a database.</summary>
    internal static async Task<IReadOnlyList<string>> OfAsync(NpgsqlConnection session, CancellationToken cancellationToken)
        => await session.QueryAsync(Query, row => row.GetString(0), cancellationToken).ConfigureAwait(false);

    /// <summary>The schemas that a manifest tells of.</summary>
    internal static IEnumerable<string> Of(PgBackupManifest manifest)
        => manifest.Tables.Select(table => table.Schema).Concat(manifest.Sequences.Select(sequence => sequence.Schema))
            .Concat(ObjectInventory.From(manifest)?.Objects.Keys.Select(name => name.Schema).OfType<string>() ?? []);

    /// <summary>Says in the checks of tables and objects what they do not speak of.</summary>
    internal IReadOnlyList<PgCheck> Say(IReadOnlyList<PgCheck> checks)
        => _found.Count == 0
            ? checks
            : [.. checks.Select(check => check.Name is PgCheckName.Tables or PgCheckName.Objects
                ? check with { Detail = $"{check.Detail}; {Said}" }
                : check)];

    private string Said
        => $"left out on request: {string.Join(", ", _found.Select(name => $"schema {name}"))}"
            + (HoldHistory ? " and the migration state" : "");

    private bool Fits(string schema) => _patterns.Any(pattern => NamePattern.Fits(pattern, schema));
}
