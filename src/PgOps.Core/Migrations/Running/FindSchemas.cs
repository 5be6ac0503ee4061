using System.IO.Enumeration;
using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Migrations.History;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Migrations.Running;

/// <summary>
/// Finds the schemas of a database that are migrated one by one, each with a history of its own: tenants. Each becomes a target whose
/// search_path is that schema.
/// </summary>
public sealed class FindSchemas
{
    /// <summary>The system's own and those of extensions are nobody's tenant.</summary>
    private const string Query = """
        SELECT n.nspname FROM pg_catalog.pg_namespace n
        WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend d
            WHERE d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.objid = n.oid AND d.deptype = 'e')
        ORDER BY n.nspname
        """;

    /// <summary>Asks the catalog.</summary>
    /// <param name="target">The database.</param>
    /// <param name="names">Names of schemas, or patterns with <c>*</c> and <c>?</c>; upper and lower case are told apart.</param>
    /// <param name="allowMissing">Whether a name without wildcards may be of a schema that does not exist yet.</param>
    /// <param name="sink">Where log lines go.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>A target for each schema, in the order of the names given, then by name.</returns>
    /// <exception cref="PgOpsException">SchemaNotFound: a name or a pattern fits no schema.</exception>
    public Task<IReadOnlyList<PgTarget>> RunAsync(
        PgTarget target, IReadOnlyList<string> names, bool allowMissing, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, () => target, () => WorkAsync(target, names, allowMissing, sink, cancellationToken));

    private async Task<IReadOnlyList<PgTarget>> WorkAsync(
        PgTarget target, IReadOnlyList<string> names, bool allowMissing, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(names);
        ArgumentNullException.ThrowIfNull(sink);
        List<string> there;
        try
        {
            var connection = await ServerConnection.OpenAsync(target, sink.Log, cancellationToken).ConfigureAwait(false);
            await using (connection.ConfigureAwait(false))
            {
                there = await connection.QueryAsync(Query, row => row.GetString(0), cancellationToken).ConfigureAwait(false);
            }
        }
        catch (NpgsqlException error)
        {
            throw ServerErrors.Working(target, error, "looking for schemas");
        }

        var chosen = names.SelectMany(name => Match(target, name, there, allowMissing)).Distinct(StringComparer.Ordinal);
        return chosen.Select(schema => target with { Schema = schema }).ToList();
    }

    private static List<string> Match(PgTarget target, string name, List<string> there, bool allowMissing)
    {
        var pattern = name.AsSpan().IndexOfAny('*', '?') >= 0;
        var found = pattern
            ? there.FindAll(schema => schema != HistoryTable.DefaultSchema
                && FileSystemName.MatchesSimpleExpression(name, schema, ignoreCase: false))
            : there.Contains(name) || allowMissing ? [name] : [];
        return found.Count > 0
            ? found
            : throw new PgOpsException(
                PgErrorCode.SchemaNotFound,
                $"{target} has no schema {(pattern ? "that fits" : "named")} '{name}'.",
                "Nothing was touched.",
                pattern
                    ? "Upper and lower case are told apart, * and ? are the wildcards."
                    : "Check the spelling; -CreateSchema lets the run create a schema that is named without wildcards.")
            { Subject = target };
    }
}
