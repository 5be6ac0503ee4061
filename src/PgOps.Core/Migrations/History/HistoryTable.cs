using System.Data.Common;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.History;

/// <summary>
/// The table <c>migration_history</c>. Rows are only ever appended; the newest row of a version tells how the version stands. The
/// last row alone may be rewritten, while its migration runs statement by statement. Each row carries a hash over itself and the row
/// before, computed by the server in one expression for writing and for checking.
/// </summary>
internal sealed class HistoryTable
{
    /// <summary>The schema unless another is given.</summary>
    internal const string DefaultSchema = "pgops";

    /// <summary>The table's name, whatever its schema.</summary>
    internal const string TableName = "migration_history";

    /// <summary>Stands for the schemas of several histories.</summary>
    internal const string SeveralSchemas = "*";

    /// <summary>The column that an appended row gives back: how long its migration took, in milliseconds.</summary>
    internal const string RecordedColumn = "pgops_recorded_ms";

    /// <summary>The prepared statement that appends a row.</summary>
    internal const string PreparedName = "pgops_record";

    /// <summary>Holds, for one transaction, what <see cref="UpdateStatement"/> records of the session.</summary>
    internal const string SessionSetting = "pgops.session_state";

    private const string About = "Migrations of this database, written by PgOps. Rows are chained by hashes: do not edit them.";
    private const string EndMark = "Written up to row ";

    // What a HistoryRow is made of, but for the script, which comes last.
    private const string RowColumns = "id, version, name, kind, checksum, state, transactional, statements_total, statements_done, "
        + "statement_running, started_at, finished_at, duration_ms, applied_by, host, tool_version, "
        + "error, reason, backup_id, session_state";

    internal HistoryTable(string schema)
    {
        Schema = schema;
        Name = Quote.Qualified(schema, TableName);
    }

    internal string Schema { get; }

    /// <summary>The quoted, qualified name.</summary>
    internal string Name { get; }

    /// <summary>
    /// How a role and the history in the schema $1 stand to each other. Asks the catalog, which answers whatever the role may do.
    /// </summary>
    internal static string StandingQuery =>
        $"""
        SELECT n.oid IS NOT NULL, c.oid IS NOT NULL,
            pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT'),
            pg_catalog.row_security_active(c.oid), current_user::text, pg_catalog.current_database()::text
        FROM (SELECT $1::text AS schema) wanted
        LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = wanted.schema
        LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = '{TableName}'
        """;

    /// <summary>The schemas that hold a history of PgOps' that the role may read.</summary>
    internal static string SchemasQuery =>
        $"""
        SELECT n.nspname::text
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = '{TableName}' AND c.relkind = 'r' AND n.nspname !~ '^pg_'
            AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
            AND (SELECT count(*) = 6 FROM pg_catalog.pg_attribute a
                 WHERE a.attrelid = c.oid AND NOT a.attisdropped
                     AND a.attname IN ('id', 'version', 'name', 'kind', 'state', 'row_hash'))
        """;

    /// <summary>How many rows there are, and the hash of the last.</summary>
    internal string EndQuery => $"SELECT (SELECT count(*) FROM {Name}), (SELECT row_hash FROM {Name} ORDER BY id DESC LIMIT 1)";

    /// <summary>Creates the schema, for which a role needs a right to the database, even where the schema is there already.</summary>
    internal string CreateSchemaStatement => $"CREATE SCHEMA IF NOT EXISTS {Quote.Identifier(Schema)}";

    /// <summary>Creates the table.</summary>
    internal IEnumerable<string> CreateStatements =>
    [
        $"""
        CREATE TABLE IF NOT EXISTS {Name} (
            id bigint PRIMARY KEY,
            version text NOT NULL,
            name text NOT NULL,
            kind text NOT NULL CHECK (kind IN ('versioned', 'repeatable', 'seed', 'baseline', 'seal', 'adoption')),
            checksum text NOT NULL,
            script text NOT NULL,
            state text NOT NULL CHECK (state IN ('started', 'applied', 'failed', 'reverted', 'resolved', 'baselined')),
            transactional boolean NOT NULL,
            statements_total integer NOT NULL,
            statements_done integer NOT NULL,
            statement_running integer,
            started_at timestamptz NOT NULL,
            finished_at timestamptz,
            duration_ms bigint,
            applied_by text NOT NULL,
            host text NOT NULL,
            tool_version text NOT NULL,
            error text,
            reason text,
            backup_id text,
            session_state text,
            previous_hash text NOT NULL,
            row_hash text NOT NULL
        )
        """,
        $"COMMENT ON TABLE {Name} IS {Quote.Literal(About)}",
    ];

    /// <summary>
    /// Appends a row: $1 version, $2 name, $3 kind, $4 checksum, $5 script, $6 state, $7 transactional, $8 statements_total,
    /// $9 statements_done, $10 host, $11 tool_version, $12 error, $13 reason, $14 backup_id, $15 session_state.
    /// Where a trigger lets no row in, the division by the number of rows fails, and the transaction with it: what is not recorded must
    /// not be done.
    /// </summary>
    internal string InsertStatement =>
        $"""
        WITH written AS (
        INSERT INTO {Name} (id, version, name, kind, checksum, script, state, transactional, statements_total, statements_done,
            statement_running, started_at, finished_at, duration_ms, applied_by, host, tool_version, error, reason, backup_id,
            session_state, previous_hash, row_hash)
        SELECT r.id, r.version, r.name, r.kind, r.checksum, r.script, r.state, r.transactional, r.statements_total, r.statements_done,
            r.statement_running, r.started_at, r.finished_at, r.duration_ms, r.applied_by, r.host, r.tool_version, r.error, r.reason,
            r.backup_id, r.session_state, r.previous_hash, {Seal("r")}
        FROM (
            SELECT coalesce(l.id, 0) + 1 AS id, $1::text AS version, $2::text AS name, $3::text AS kind, $4::text AS checksum,
                $5::text AS script, $6::text AS state, $7::boolean AS transactional, $8::integer AS statements_total,
                $9::integer AS statements_done, NULL::integer AS statement_running, pg_catalog.transaction_timestamp() AS started_at,
                CASE WHEN $6::text <> 'started' THEN t.now END AS finished_at,
                CASE WHEN $6::text <> 'started'
                    THEN (extract(epoch FROM t.now - pg_catalog.transaction_timestamp()) * 1000)::bigint END AS duration_ms,
                session_user::text AS applied_by, $10::text AS host, $11::text AS tool_version, $12::text AS error,
                $13::text AS reason, $14::text AS backup_id, $15::text AS session_state, coalesce(l.row_hash, '') AS previous_hash
            FROM (SELECT pg_catalog.clock_timestamp() AS now OFFSET 0) t
            LEFT JOIN (SELECT id, row_hash FROM {Name} ORDER BY id DESC LIMIT 1) l ON true
        ) r
        RETURNING duration_ms)
        SELECT coalesce(pg_catalog.max(duration_ms), 0) / pg_catalog.count(*) AS {RecordedColumn} FROM written
        """;

    /// <summary>
    /// Prepares <see cref="InsertStatement"/> in the session: to plan it takes the server longer than to run it, and longer than many
    /// a migration takes.
    /// </summary>
    internal string PrepareStatement =>
        $"PREPARE {PreparedName} (text, text, text, text, text, text, boolean, integer, integer, text, text, text, text, text, text) AS "
            + $"{InsertStatement}";

    /// <summary>
    /// Rewrites the last row, which must be version $1: $2 state, $3 statements_done, $4 statement_running, $5 error, and the
    /// session's state as <see cref="SessionSetting"/> has it. Fails like <see cref="InsertStatement"/> where nothing is written.
    /// </summary>
    internal string UpdateStatement =>
        $"""
        WITH r AS (
            SELECT h.id, h.version, h.name, h.kind, h.checksum, h.script, $2::text AS state, h.transactional, h.statements_total,
                $3::integer AS statements_done, $4::integer AS statement_running, h.started_at,
                CASE WHEN $2::text <> 'started' THEN t.now END AS finished_at,
                CASE WHEN $2::text <> 'started' THEN (extract(epoch FROM t.now - h.started_at) * 1000)::bigint END AS duration_ms,
                h.applied_by, h.host, h.tool_version, $5::text AS error, h.reason, h.backup_id,
                coalesce(nullif(pg_catalog.current_setting('{SessionSetting}', true), ''), h.session_state) AS session_state,
                h.previous_hash
            FROM {Name} h CROSS JOIN (SELECT pg_catalog.clock_timestamp() AS now OFFSET 0) t
            WHERE h.id = (SELECT pg_catalog.max(id) FROM {Name}) AND h.version = $1::text
        ), written AS (
        UPDATE {Name} h SET state = r.state, statements_done = r.statements_done, statement_running = r.statement_running,
            finished_at = r.finished_at, duration_ms = r.duration_ms, error = r.error, session_state = r.session_state,
            row_hash = {Seal("r")}
        FROM r WHERE h.id = r.id
        RETURNING h.id)
        SELECT 1 / pg_catalog.count(*) FROM written
        """;

    /// <summary>Whether a command is one that writes a row, here or prepared.</summary>
    internal bool Writes(DbBatchCommand? command)
        => command?.CommandText is { } text
            && (text == InsertStatement || text == UpdateStatement || text == PrepareStatement
                || text.StartsWith($"EXECUTE {PreparedName} ", StringComparison.Ordinal));

    /// <summary>
    /// The newest row of each version, and of the adoption; scripts come along when asked for, where an unfinished one may be resumed,
    /// and of the adoption.
    /// </summary>
    internal string LatestQuery(bool withScripts) =>
        $"""
        SELECT DISTINCT ON (version) {RowColumns},
            {(withScripts
                ? "script"
                : "CASE WHEN kind = 'adoption' OR (state IN ('started', 'failed') AND NOT transactional) THEN script END")}
        FROM {Name} WHERE kind <> 'seal' ORDER BY version, id DESC
        """;

    /// <summary>Every row of a migration, in order, without its script.</summary>
    internal string EveryRowQuery => $"SELECT {RowColumns}, NULL::text FROM {Name} WHERE kind NOT IN ('seal', 'adoption') ORDER BY id";

    /// <summary>
    /// Notes the last row's number in the table's comment, when it has grown: a hash chain alone does not show that its end was cut off.
    /// Done once for each turn and not for each row, by the table's owner, without a long wait for it.
    /// </summary>
    internal string MarkEndStatement =>
        $"""
        DO $mark$
        DECLARE
            history oid := pg_catalog.to_regclass({Quote.Literal(Name)});
            last bigint;
        BEGIN
            IF (SELECT pg_catalog.pg_has_role(relowner, 'USAGE') FROM pg_catalog.pg_class WHERE oid = history) THEN
                SELECT pg_catalog.max(id) INTO last FROM {Name};
                IF last > coalesce({MarkedEnd}, 0) THEN
                    PERFORM pg_catalog.set_config('lock_timeout', '1s', true);
                    EXECUTE pg_catalog.format('COMMENT ON TABLE %s IS %L', {Quote.Literal(Name)},
                        {Quote.Literal($"{About} {EndMark}")} || last);
                END IF;
            END IF;
        END
        $mark$
        """;

    private string MarkedEnd =>
        $"pg_catalog.substring(pg_catalog.obj_description(pg_catalog.to_regclass({Quote.Literal(Name)}), 'pg_class'), "
            + $"'{EndMark}([0-9]+)')::bigint";

    /// <summary>
    /// The first row whose hash or whose link to the row before does not hold: id and version; no version where the rows from this one
    /// on are gone. A table without any row is not a history, whatever its comment says (a copy of the schema alone).
    /// </summary>
    internal string BrokenLinkQuery =>
        $"""
        SELECT c.id, c.version FROM (
            SELECT h.id, h.version, h.row_hash = {Seal("h")}
                AND h.previous_hash = coalesce(pg_catalog.lag(h.row_hash) OVER w, '')
                AND h.id = coalesce(pg_catalog.lag(h.id) OVER w, 0) + 1 AS holds
            FROM {Name} h WINDOW w AS (ORDER BY h.id)
        ) c WHERE NOT c.holds
        UNION ALL
        SELECT e.last + 1, NULL FROM (SELECT pg_catalog.max(id) AS last FROM {Name}) e WHERE e.last < {MarkedEnd}
        ORDER BY 1 LIMIT 1
        """;

    /// <summary>Numbers the rows without gaps and chains their hashes again, on a person's word.</summary>
    internal IEnumerable<string> ResealStatements =>
    [
        $"UPDATE {Name} h SET id = -n.number "
            + $"FROM (SELECT id, pg_catalog.row_number() OVER (ORDER BY id) AS number FROM {Name}) n WHERE n.id = h.id",
        $"UPDATE {Name} SET id = -id",
        $"COMMENT ON TABLE {Name} IS {Quote.Literal(About)}",
        $$"""
        DO $reseal$
        DECLARE
            h {{Name}}%ROWTYPE;
            last text := '';
        BEGIN
            FOR h IN SELECT * FROM {{Name}} ORDER BY id LOOP
                h.previous_hash := last;
                last := {{Seal("h")}};
                UPDATE {{Name}} SET previous_hash = h.previous_hash, row_hash = last WHERE id = h.id;
            END LOOP;
        END
        $reseal$
        """,
    ];

    /// <summary>The hash of a row: SHA-256 over a JSON array of its values, so that no two rows can be written the same.</summary>
    private static string Seal(string row) =>
        $"""
        pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.jsonb_build_array({row}.previous_hash, {row}.id,
            {row}.version, {row}.name, {row}.kind, {row}.checksum,
            pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to({row}.script, 'UTF8')), 'hex'), {row}.state, {row}.transactional,
            {row}.statements_total, {row}.statements_done, {row}.statement_running,
            (extract(epoch FROM {row}.started_at) * 1000000)::bigint, (extract(epoch FROM {row}.finished_at) * 1000000)::bigint,
            {row}.duration_ms, {row}.applied_by, {row}.host, {row}.tool_version, {row}.error, {row}.reason, {row}.backup_id,
            {row}.session_state)::text,
            'UTF8')), 'hex')
        """;
}
