using Npgsql;
using PgOps.Core.Common.Text;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>What pg_dump dumps of a database, and what it leaves out.</summary>
/// <param name="Tables">Tables with rows in the dump, ordered by schema and name.</param>
/// <param name="LeftOut">One sentence for each thing without fingerprint.</param>
internal sealed record DumpedTables(IReadOnlyList<DumpedTable> Tables, IReadOnlyList<string> LeftOut)
{
    /// <summary>
    /// Unlogged tables and sequences of a standby, quoted: they are in its catalog, and what they hold is on the primary alone.
    /// </summary>
    internal IReadOnlyList<string> Unlogged { get; init; } = [];

    /// <summary>The role that reads: the one that logs in, or the one that this becomes (ALTER ROLE … SET role).</summary>
    internal string Role { get; init; } = "";

    /// <summary>Large objects that the role may not read, by their numbers.</summary>
    internal IReadOnlyList<string> ClosedObjects { get; init; } = [];

    // No role that reads all data reads these (https://www.postgresql.org/docs/current/lo-implementation.html).
    private const string ClosedObjectsQuery = """
        SELECT m.oid::pg_catalog.text FROM pg_catalog.pg_largeobject_metadata m
        WHERE NOT pg_catalog.current_setting('lo_compat_privileges')::pg_catalog.bool
          AND NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
          AND NOT pg_catalog.pg_has_role(m.lomowner, 'USAGE')
          AND NOT EXISTS (SELECT FROM pg_catalog.aclexplode(m.lomacl) a WHERE a.privilege_type = 'SELECT'
                AND CASE a.grantee WHEN 0 THEN true ELSE pg_catalog.pg_has_role(a.grantee, 'USAGE') END)
        ORDER BY m.oid
        """;

    // Partitioned parents hold no rows, partitions and inheritance children come as tables of their own.
    private const string Candidates = """
        SELECT n.nspname::text, c.relname::text, c.relkind::text, c.relpersistence::text,
               (SELECT x.extname::text FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid
                 WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.objsubid = 0
                   AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e' LIMIT 1),
               (SELECT x.extcondition[pg_catalog.array_position(x.extconfig, c.oid)] FROM pg_catalog.pg_extension x
                 WHERE c.oid = ANY (x.extconfig) LIMIT 1),
               ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
                      ORDER BY a.attnum),
               CASE WHEN c.relkind = 'r' THEN coalesce(pg_catalog.pg_total_relation_size(c.oid), 0) ELSE 0 END,
               pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT'),
               pg_catalog.row_security_active(c.oid),
               pg_catalog.pg_is_in_recovery(), c.oid,
               NOT c.relispartition AND EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid),
               (SELECT ARRAY[rn.nspname::text, rc.relname::text]
                 FROM pg_catalog.pg_class rc JOIN pg_catalog.pg_namespace rn ON rn.oid = rc.relnamespace
                 WHERE c.relispartition AND rc.oid = pg_catalog.pg_partition_root(c.oid) AND EXISTS (
                       SELECT FROM pg_catalog.pg_partition_ancestors(c.oid) a
                       JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = a.relid
                       JOIN pg_catalog.pg_opclass o ON o.oid = ANY (p.partclass)
                       WHERE p.partstrat = 'h' AND o.opcintype = 'pg_catalog.anyenum'::pg_catalog.regtype)),
               ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = 's'
                      ORDER BY a.attnum)
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relpersistence <> 't'
          AND (c.relkind IN ('r', 'f') OR (c.relkind = 'S' AND c.relpersistence = 'u' AND pg_catalog.pg_is_in_recovery()))
          AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        """;

    /// <summary>Lists them.</summary>
    /// <param name="connection">A session, best inside the snapshot.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task<DumpedTables> ListAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var tables = new List<DumpedTable>();
        var leftOut = new List<string>();
        var unlogged = new List<string>();
        var rows = await connection.QueryAsync(Candidates, Read, cancellationToken).ConfigureAwait(false);
        var gone = rows.Where(row => row.IsGone).Select(row => row.Table.Qualified).ToList();
        if (gone.Count > 0)
        {
            throw new PgOpsException(
                PgErrorCode.StatementFailed,
                $"Somebody dropped {NameList.InSentence(gone)} after the snapshot was taken, and before it was locked.",
                nextStep: "Run the command again.");
        }

        foreach (var (table, kind, persistence, extension, configuration, recovery, _) in rows
            .OrderBy(row => row.Table.Schema, StringComparer.Ordinal).ThenBy(row => row.Table.Name, StringComparer.Ordinal))
        {
            if (extension is not null && !configuration)
            {
                continue;
            }

            if (kind == "f")
            {
                leftOut.Add($"{table.Qualified}: foreign table; its rows live on another server.");
            }
            else if (persistence == "u" && recovery)
            {
                unlogged.Add(table.Qualified);
                leftOut.Add(kind == "S"
                    ? $"{table.Qualified}: unlogged sequence; a standby does not have its position."
                    : $"{table.Qualified}: unlogged table; a standby does not have its rows.");
            }
            else
            {
                tables.Add(table);
            }
        }

        // The size is that of the objects' pages, whoever may read them.
        var (role, objects) = (await connection.QueryAsync(
            """
            SELECT current_user::pg_catalog.text, (SELECT pg_catalog.pg_total_relation_size('pg_catalog.pg_largeobject')
                WHERE EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata))
            """,
            row => (row.GetString(0), row.IsDBNull(1) ? (long?)null : row.GetInt64(1)),
            cancellationToken).ConfigureAwait(false))[0];
        if (objects is { } bytes)
        {
            tables.Add(new DumpedTable
            {
                Schema = "pg_catalog",
                Name = "pg_largeobject",
                Oid = 0,
                Columns = [],
                Bytes = bytes,
                Readable = true,
                IsLargeObjects = true,
            });
        }

        return new DumpedTables(tables, leftOut)
        {
            Role = role,
            Unlogged = unlogged,
            ClosedObjects = objects is null
                ? []
                : await connection.QueryAsync(ClosedObjectsQuery, row => row.GetString(0), cancellationToken).ConfigureAwait(false),
        };
    }

    /// <summary>Refuses to go on when the role would not see every row: such a dump is not a backup, and it looks like one.</summary>
    /// <param name="target">The database, for the message.</param>
    /// <exception cref="PgOpsException">PermissionDenied, with the tables by name.</exception>
    internal void RefuseUnlessComplete(PgTarget target)
    {
        var hidden = Tables.Where(table => table.Readable && table.HidesRows).Select(table => table.Qualified).ToList();
        if (hidden.Count > 0)
        {
            throw RowSecurity(Role == target.Username ? target : target with { Username = Role }, NameList.InSentence(hidden), null);
        }

        RefuseClosedObjects(target);
        var unreadable = Tables.Where(table => !table.Readable).Select(table => table.Qualified).ToList();
        if (unreadable.Count > 0)
        {
            throw new PgOpsException(
                PgErrorCode.PermissionDenied,
                $"{target}: {Who(target)} may not read {NameList.InSentence(unreadable)}.",
                "Nothing was written.",
                $"GRANT pg_read_all_data TO {Quote.Identifier(Role)} (server 14 and later), or use the owner or a superuser.")
            { Subject = target };
        }
    }

    private string Who(PgTarget target) => Role == target.Username
        ? $"the role \"{Role}\""
        : $"the role \"{Role}\", which \"{target.Username}\" becomes by ALTER ROLE … SET role,";

    private void RefuseClosedObjects(PgTarget target)
    {
        if (ClosedObjects.Count > 0 && Tables.Any(table => table.IsLargeObjects))
        {
            throw new PgOpsException(
                PgErrorCode.PermissionDenied,
                $"{target}: {Who(target)} may not read the large objects {NameList.InSentence(ClosedObjects)}.",
                "Nothing was written.",
                $"GRANT SELECT ON LARGE OBJECT {string.Join(", ", ClosedObjects.Take(5))} TO {Quote.Identifier(Role)}, or "
                    + "use their owner or a superuser (pg_read_all_data does not reach them), or leave all of them out (-NoLargeObjects).")
            { Subject = target };
        }
    }

    /// <summary>The error for a table whose rows a policy hides.</summary>
    internal static PgOpsException RowSecurity(PgTarget target, string tables, Exception? cause) => new(
        PgErrorCode.PermissionDenied,
        $"{target}: row-level security would hide rows of {tables} from the role \"{target.Username}\".",
        "Nothing was written: a copy without these rows would look complete.",
        $"ALTER ROLE {Quote.Identifier(target.Username)} BYPASSRLS, or use a superuser (FORCE ROW LEVEL SECURITY binds the owner too).",
        cause)
    { Subject = target };

    private static (
        DumpedTable Table, string Kind, string Persistence, string? Extension, bool Configuration, bool Recovery, bool IsGone) Read(
        NpgsqlDataReader row) => (
            new DumpedTable
            {
                Schema = row.GetString(0),
                Name = row.GetString(1),
                Oid = row.GetFieldValue<uint>(11),
                Columns = row.GetFieldValue<string[]>(6),
                Generated = row.GetFieldValue<string[]>(14),
                Bytes = row.GetInt64(7),
                Readable = !row.IsDBNull(8) && row.GetBoolean(8),
                HidesRows = row.GetBoolean(9),
                Condition = row.IsDBNull(5) ? "" : row.GetString(5),
                Inherits = row.GetBoolean(12),
                Root = row.IsDBNull(13) ? null : (row.GetFieldValue<string[]>(13)[0], row.GetFieldValue<string[]>(13)[1]),
            },
            row.GetString(2),
            row.GetString(3),
            row.IsDBNull(4) ? null : row.GetString(4),
            !row.IsDBNull(5),
            row.GetBoolean(10),

            // The snapshot has the table, and asked by oid the server knows nothing of it any more.
            row.IsDBNull(8));
}
