using System.Globalization;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Checks;

/// <summary>
/// Compares the collation versions that were recorded with those of the system's libraries. After an upgrade of the C library or of ICU,
/// or a move of the files to another system, text may sort differently than when an index was built: lookups miss rows, and a unique
/// index lets duplicates in.
/// </summary>
internal static class CollationInspection
{
    // 100 is the database's default collation. Partitions bounded by text suffer as indexes do.
    private const string Query = """
        SELECT kind, name, recorded, actual,
               (SELECT count(*) FROM pg_index i WHERE i.indexrelid >= 16384 AND v.oid = ANY (i.indcollation::oid[]))
               + (SELECT count(*) FROM pg_partitioned_table p WHERE v.oid = ANY (p.partcollation::oid[]))
        FROM ({0}
            SELECT c.oid, 'collation', format('%I.%I', n.nspname, c.collname), c.collversion, pg_collation_actual_version(c.oid)
            FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
            WHERE c.collencoding IN (-1, (SELECT encoding FROM pg_database WHERE datname = current_database()))
        ) v(oid, kind, name, recorded, actual)
        WHERE recorded <> actual ORDER BY 1 DESC, 2
        """;

    private const string DatabaseQuery = """
        SELECT 100::oid, 'database', format('%I', d.datname), d.datcollversion, pg_database_collation_actual_version(d.oid)
        FROM pg_database d WHERE d.datname = current_database() UNION ALL
        """;

    internal static async Task<Inspection> RunAsync(CatalogSession session, CancellationToken cancellationToken)
    {
        var recorded = session.Version >= 150000;
        var found = await session.Connection.QueryAsync(
            Query.Replace("{0}", recorded ? DatabaseQuery : "", StringComparison.Ordinal),
            row => (Database: row.GetString(0) == "database", Name: row.GetString(
                1), Recorded: row.GetString(2), Actual: row.GetString(3), Used: row.GetInt64(4)),
            cancellationToken).ConfigureAwait(false);
        var findings = found.Where(one => one.Database || one.Used > 0).Select(one => new PgFinding
        {
            Kind = PgFindingKind.CollationVersion,
            Object = $"{(one.Database ? "database" : "collation")} {one.Name}",
            Severity = one.Used > 0 ? PgFindingSeverity.Error : PgFindingSeverity.Warning,
            Problem = string.Create(
                CultureInfo.InvariantCulture,
                $"was made with version {one.Recorded} of its collation, and the system has {one.Actual}: "
                    + $"{Number(one.Used)} may be in the wrong order"),
            NextStep = $"REINDEX {(one.Database ? $"DATABASE CONCURRENTLY {one.Name}" : "the indexes that use it")}; then "
                + $"ALTER {(one.Database ? "DATABASE" : "COLLATION")} {one.Name} REFRESH {(one.Database ? "COLLATION " : "")}VERSION.",
        });
        return new Inspection(
            [.. findings],
            recorded
                ? null
                : "the version of the database's own collation is recorded from PostgreSQL 15 on; the other collations were looked at");
    }

    private static string Number(long used) => used switch
    {
        0 => "no index uses it, but what was sorted elsewhere",
        1 => "the one index that uses it",
        _ => $"the {PgAmount.Of(used, "index")} that use it",
    };
}
