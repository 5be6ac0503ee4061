using Npgsql;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Restores.Masking;

/// <summary>What the masks need to know of the copy's tables.</summary>
internal sealed record MaskCatalog(IReadOnlyList<MaskColumn> Columns, IReadOnlyList<MaskForeignKey> ForeignKeys)
{
    private const string ColumnsQuery = """
        SELECT n.nspname::text, c.relname::text, a.attname::text, c.oid, a.attnum, c.relkind::text,
               pg_catalog.format_type(a.atttypid, a.atttypmod),
               pg_catalog.format_type(b.oid, NULL),
               CASE WHEN b.typname IN ('varchar', 'bpchar') AND coalesce(nullif(a.atttypmod, -1), t.typtypmod) > 4
                    THEN coalesce(nullif(a.atttypmod, -1), t.typtypmod) - 4 END,
               a.attnotnull OR t.typnotnull, a.attgenerated <> '', a.attidentity = 'a', c.relispartition OR a.attinhcount > 0,
               EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND (i.indisunique OR i.indisexclusion)
                       AND (a.attnum = ANY (i.indkey) OR u.uses @> ARRAY[i.indexrelid])),
               EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indnkeyatts = 1
                       AND (i.indkey[0] = a.attnum OR i.indkey[0] = 0 AND u.uses @> ARRAY[i.indexrelid])),
               EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey))
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        JOIN pg_catalog.pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
        CROSS JOIN LATERAL (
            -- Indexes that hold the column inside an expression.
            SELECT coalesce(pg_catalog.array_agg(d.objid), '{}') AS uses FROM pg_catalog.pg_depend d
            WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
              AND d.refobjid = c.oid AND d.refobjsubid = a.attnum) u
        WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND c.relpersistence <> 't'
          AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        ORDER BY 1, 2, a.attnum
        """;

    private const string ForeignKeysQuery = """
        SELECT o.oid, o.conname::text, pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.pg_get_constraintdef(o.oid),
               pg_catalog.obj_description(o.oid, 'pg_constraint'), o.conrelid, o.conkey, o.confrelid, o.confkey
        FROM pg_catalog.pg_constraint o
        JOIN pg_catalog.pg_class c ON c.oid = o.conrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE o.contype = 'f' AND o.conparentid = 0
        """;

    /// <summary>Reads it.</summary>
    internal static async Task<MaskCatalog> ReadAsync(NpgsqlConnection session, CancellationToken cancellationToken)
    {
        var columns = await session.QueryAsync(
            ColumnsQuery,
            row => new MaskColumn
            {
                Schema = row.GetString(0),
                Table = row.GetString(1),
                Name = row.GetString(2),
                TableOid = row.GetFieldValue<uint>(3),
                Number = row.GetInt16(4),
                Kind = row.GetString(5)[0],
                DeclaredType = row.GetString(6),
                Type = row.GetString(7),
                Length = row.IsDBNull(8) ? null : row.GetInt32(8),
                NotNull = row.GetBoolean(9),
                Generated = row.GetBoolean(10),
                Identity = row.GetBoolean(11),
                Inherited = row.GetBoolean(12),
                Unique = row.GetBoolean(13),
                UniqueAlone = row.GetBoolean(14),
                Primary = row.GetBoolean(15),
            },
            cancellationToken).ConfigureAwait(false);
        var keys = await session.QueryAsync(
            ForeignKeysQuery,
            row => new MaskForeignKey(
                row.GetFieldValue<uint>(0), row.GetString(1), row.GetString(2), row.GetString(3), row.IsDBNull(4) ? null : row.GetString(4),
                row.GetFieldValue<uint>(5), row.GetFieldValue<short[]>(6), row.GetFieldValue<uint>(7), row.GetFieldValue<short[]>(8)),
            cancellationToken).ConfigureAwait(false);
        return new MaskCatalog(columns, keys);
    }

    /// <summary>Pairs of a referencing and a referenced column.</summary>
    internal IEnumerable<(MaskForeignKey Key, MaskColumn From, MaskColumn To)> References()
    {
        var byNumber = Columns.ToDictionary(column => (column.TableOid, column.Number));
        return ForeignKeys.SelectMany(key => key.ReferencingColumns.Zip(key.ReferencedColumns, (from, to)
            => (key, byNumber[(key.Referencing, from)], byNumber[(key.Referenced, to)])));
    }
}
