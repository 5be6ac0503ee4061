using System.Diagnostics;
using System.Globalization;
using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Migrations.Adoption;
using PgOps.Core.Migrations.History;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Repository.Archives;

namespace PgOps.Core.Comparison;

/// <summary>Looks at a restored database: is it what the manifest says, and is everything in it valid?</summary>
internal static class RestoredCopy
{
    // pg_dump leaves invalid indexes of plain tables out; one of a partitioned table is dumped as it was, waiting for its parts.
    private const string InvalidIndexesQuery = """
        SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), c.relkind = 'I'
        FROM pg_catalog.pg_index i
        JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE NOT (i.indisvalid AND i.indisready)
        ORDER BY 1
        """;

    private const string IndexCountQuery = """
        SELECT count(*) FROM pg_catalog.pg_index i
        JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
        """;

    private const string ConstraintsQuery = """
        SELECT pg_catalog.format('%I on %s', o.conname, o.conrelid::pg_catalog.regclass), o.convalidated
        FROM pg_catalog.pg_constraint o
        JOIN pg_catalog.pg_namespace n ON n.oid = o.connamespace
        WHERE o.conrelid <> 0 AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        ORDER BY 1
        """;

    /// <summary>Compares counts, hashes and sequences with the manifest.</summary>
    /// <param name="manifest">What the database was.</param>
    /// <param name="copy">The restored database.</param>
    /// <param name="jobs">Sessions to read with.</param>
    /// <param name="sink">Receives progress.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <param name="wanted">Says by schema and name which tables and sequences of the copy to look at; null looks at all.</param>
    internal static async Task<ContentComparison> CompareAsync(
        PgBackupManifest manifest,
        PgTarget copy,
        int jobs,
        IOperationSink sink,
        CancellationToken cancellationToken,
        Func<string, string, bool>? wanted = null)
    {
        using var progress = new ProgressActivity(sink, $"Comparing {manifest.Database} with its manifest");
        if (manifest.Fingerprint == DumpScript.NoFingerprint)
        {
            return ContentComparison.Count(
                await DatabaseFingerprint.ReadAsync(
                    copy, null, PgFingerprintDepth.Counts, jobs, progress, cancellationToken, wanted: wanted).ConfigureAwait(false));
        }

        var depth = ContentComparison.DepthOf(manifest);
        var elapsed = Stopwatch.StartNew();
        var found = await DatabaseFingerprint.ReadAsync(
            copy, null, depth, jobs, progress, cancellationToken, ColumnOrder.Of(manifest), wanted).ConfigureAwait(false);
        return ContentComparison.Compare(
            ContentComparison.FromManifest(manifest), WithoutBareDefinitions(found, manifest), depth, SequenceRule.NotBehind,
            elapsed.Elapsed);
    }

    /// <summary>
    /// Leaves out what was dumped as a definition only: it is there, empty, and the manifest, which lists rows, has nothing of it.
    /// </summary>
    private static DatabaseContent WithoutBareDefinitions(DatabaseContent found, PgBackupManifest manifest)
    {
        var schemaOnly = IsSchemaOnly(manifest);
        if (!schemaOnly && !manifest.Payload.Selection.Any(choice => choice.StartsWith("--exclude-table-data=", StringComparison.Ordinal)))
        {
            return found;
        }

        var listed = manifest.Tables.Select(table => (table.Schema, table.Name)).ToHashSet();
        return found with
        {
            Tables = [.. found.Tables.Where(table => table.Rows > 0 || listed.Contains((table.Schema, table.Name)))],
            Sequences = schemaOnly ? [] : found.Sequences,
        };
    }

    private static bool IsSchemaOnly(PgBackupManifest manifest) => manifest.Payload.Selection.Contains("--schema-only");

    /// <summary>migration-state, and the schema objects: equal to the manifest's, and indexes and constraints valid.</summary>
    internal static async Task<IReadOnlyList<PgCheck>> InspectAsync(
        PgBackupManifest manifest, PgTarget copy, ObjectRules rules, CancellationToken cancellationToken)
    {
        var objects = await ObjectsAsync(manifest, copy, rules, cancellationToken).ConfigureAwait(false);
        return objects.With(await ValidateAsync(manifest, copy, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Holds the schema objects against the manifest's.</summary>
    internal static async Task<ObjectComparison> ObjectsAsync(
        PgBackupManifest manifest, PgTarget copy, ObjectRules rules, CancellationToken cancellationToken)
    {
        if (manifest.Fingerprint == DumpScript.NoFingerprint)
        {
            return ObjectComparison.Skip(ContentComparison.NothingToCompare);
        }

        var elapsed = Stopwatch.StartNew();
        var found = await ObjectInventory.ReadAsync(copy, null, true, cancellationToken).ConfigureAwait(false);
        var comparison = ObjectComparison.Compare(manifest, found, rules with { Unfilled = IsSchemaOnly(manifest) });
        return comparison with
        {
            // One reading serves them all; the first has its time.
            Checks = [comparison.Checks[0] with { Duration = elapsed.Elapsed }, .. comparison.Checks.Skip(1)],
        };
    }

    private static async Task<IReadOnlyList<PgCheck>> ValidateAsync(
        PgBackupManifest manifest, PgTarget copy, CancellationToken cancellationToken)
    {
        var session = await ServerConnection.OpenAsync(copy, null, cancellationToken).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            return
            [
                manifest.Fingerprint == DumpScript.NoFingerprint
                    ? PgCheck.Skip(PgCheckName.MigrationState, ContentComparison.NothingToCompare)
                    : !HoldsHistory(manifest) ? PgCheck.Skip(PgCheckName.MigrationState, "the migration history is not part of the backup")
                    : await TimedCheck.RunAsync(() => MigrationStateAsync(manifest.Migration, session, cancellationToken))
                        .ConfigureAwait(false),
                await TimedCheck.RunAsync(() => IndexesAsync(session, cancellationToken)).ConfigureAwait(false),
                await TimedCheck.RunAsync(() => ConstraintsAsync(session, cancellationToken)).ConfigureAwait(false),
            ];
        }
    }

    /// <summary>Whether the migration history, by which a database's state is told, is in a part of a backup.</summary>
    internal static bool HoldsHistory(PgBackupManifest manifest, TocSelection part)
        => part.Holds(
            manifest.Migration?.HistorySchema ?? HistoryTable.DefaultSchema, manifest.Migration?.HistoryTable ?? HistoryTable.TableName);

    /// <summary>A part of a database may well be without the history of the whole.</summary>
    private static bool HoldsHistory(PgBackupManifest manifest) => manifest is not { Migration: { } mark, Part: not null }
        || manifest.Tables.Any(table => table.Schema == mark.HistorySchema && table.Name == (mark.HistoryTable ?? HistoryTable.TableName));

    /// <summary>
    /// Whether the database stands where the reference stood in its migrations. Older manifests know of no history but that in the usual
    /// schema, so without a mark no other is looked for.
    /// </summary>
    internal static async Task<PgCheck> MigrationStateAsync(
        PgMigrationMark? expected, NpgsqlConnection session, CancellationToken cancellationToken)
    {
        var found = await (expected is null
            ? HistoryPosition.ReadAsync(session, HistoryTable.DefaultSchema, cancellationToken)
            : DatabasePosition.ReadAsync(session, expected, cancellationToken)).ConfigureAwait(false);
        return MigrationState(expected, found);
    }

    /// <summary>Whether two databases stand at the same migration.</summary>
    internal static PgCheck MigrationState(PgMigrationMark? expected, PgMigrationMark? found)
        => (expected, found) switch
        {
            (null, null) => PgCheck.Pass(PgCheckName.MigrationState, "no migration history on either side"),
            (null, _) =>
                PgCheck.Fail(PgCheckName.MigrationState, $"there is a migration history ({Describe(found)}) where none was expected"),
            (_, null) => PgCheck.Fail(PgCheckName.MigrationState, $"the migration history is missing; {Describe(expected)} was expected"),
            _ when expected == found => PgCheck.Pass(PgCheckName.MigrationState, Describe(found)),
            _ => PgCheck.Fail(PgCheckName.MigrationState, $"{Describe(expected)} expected, {Describe(found)} found"),
        };

    private static async Task<PgCheck> IndexesAsync(NpgsqlConnection session, CancellationToken cancellationToken)
    {
        var invalid = await session.QueryAsync(
            InvalidIndexesQuery, row => (Name: row.GetString(0), Partitioned: row.GetBoolean(1)), cancellationToken).ConfigureAwait(false);
        var broken = invalid.Where(index => !index.Partitioned).Select(index => index.Name).ToList();
        if (broken.Count > 0)
        {
            return PgCheck.Fail(PgCheckName.Indexes, "invalid: " + string.Join(", ", broken));
        }

        var count = await session.ScalarAsync<long>(IndexCountQuery, cancellationToken).ConfigureAwait(false);
        var waiting = invalid.Count == 0
            ? ""
            : "; not complete over all partitions, as in the source: " + string.Join(", ", invalid.Select(index => index.Name));
        return PgCheck.Pass(PgCheckName.Indexes, $"{PgAmount.Of(count, "index")}, none invalid{waiting}");
    }

    private static async Task<PgCheck> ConstraintsAsync(NpgsqlConnection session, CancellationToken cancellationToken)
    {
        var constraints = await session.QueryAsync(
            ConstraintsQuery, row => (Name: row.GetString(0), Valid: row.GetBoolean(1)), cancellationToken).ConfigureAwait(false);
        var unvalidated = constraints.Where(constraint => !constraint.Valid).Select(constraint => constraint.Name).ToList();
        var remark = unvalidated.Count == 0 ? "all validated" : "NOT VALID as dumped: " + string.Join(", ", unvalidated);
        return PgCheck.Pass(PgCheckName.Constraints, $"{PgAmount.Of(constraints.Count, "constraint")}, {remark}");
    }

    private static string Describe(PgMigrationMark mark)
        => string.Create(CultureInfo.InvariantCulture, $"version {$"{mark.Version} {mark.Name}".TrimEnd()}, ")
            + $"{PgAmount.Of(mark.HistoryRows, "row")} in the history"
            + mark.HistorySchema switch
            {
                _ when mark.Tool is not null => $" of {mark.Tool}",
                HistoryTable.DefaultSchema => "",
                HistoryTable.SeveralSchemas => " of several schemas",
                _ => $" of the schema {mark.HistorySchema}",
            };
}
