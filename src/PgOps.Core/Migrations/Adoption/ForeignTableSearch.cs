using Npgsql;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>Finds the table in which another tool keeps its history.</summary>
internal static class ForeignTableSearch
{
    private const string RailsMetadata = "ar_internal_metadata";

    private static readonly string Query = $"""
        SELECT n.nspname::text, c.relname::text, pg_catalog.current_database()::text, pg_catalog.format('%I.%I', n.nspname, c.relname),
            ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
            EXISTS (SELECT FROM pg_catalog.pg_class m WHERE m.relnamespace = c.relnamespace AND m.relname = $3),
            pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT'),
            pg_catalog.row_security_active(c.oid), current_user::text
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_'
            AND ((c.relname = ANY ($1) AND (n.nspname = '{SupabaseHistory.Schema}'
                OR NOT {ProviderObjects.Condition("c.relowner", "n.nspname")}))
                OR $2 IN (c.relname::text, n.nspname || '.' || c.relname, pg_catalog.format('%I.%I', n.nspname, c.relname)))
        ORDER BY 1, 2
        """;

    /// <summary>Every tool that is known.</summary>
    internal static IReadOnlyList<ForeignTool> Tools { get; } =
    [
        new PrismaHistory(), new FlywayHistory(), new DbmateHistory(), new GolangMigrateHistory(), new GooseHistory(), new SqlxHistory(),
        new DieselHistory(), new EntityFrameworkHistory(), new NodePgMigrateHistory(), new SqitchHistory(), new RailsHistory(),
        new SqlMigrateHistory(), new SupabaseHistory(), new HasuraHistory(),
        new PrismaContractHistory(marker: false), new PrismaContractHistory(marker: true),
    ];

    /// <summary>The tool and the table to import from.</summary>
    /// <exception cref="PgOpsException">InvalidArgument: there is none, or more than one.</exception>
    internal static async Task<(ForeignTool Tool, ForeignTable Table)> FindAsync(
        ImportRequest request, NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var tools = Tools.Where(tool => tool.Tool is not null && (request.From is null || tool.Tool == request.From)).ToList();
        var tables = await TablesAsync(connection, request.Table, cancellationToken).ConfigureAwait(false);
        var found = (from table in tables
                     from tool in tools
                     where (request.Table is null ? table.Table == tool.DefaultTable : IsNamed(table, request.Table))
                         && IsOf(tool, table, request.From)
                     select (Tool: tool, Table: table)).ToList();
        found.RemoveAll(pair => found.Exists(other => other.Table == pair.Table && Fits(other) > Fits(pair)));
        if (request.Migrations.SchemaAlone && request.Table is null)
        {
            found.RemoveAll(pair => pair.Table.Schema != request.Migrations.Target.Schema);
        }

        if (found.Count > 1 && request.Migrations.Target.Schema is { } schema && found.Count(pair => pair.Table.Schema == schema) == 1)
        {
            found.RemoveAll(pair => pair.Table.Schema != schema);
        }

        // Of the tools that a table could be, the one whose usual name it has, or whose columns tell the most.
        static int Fits((ForeignTool Tool, ForeignTable Table) pair)
            => pair.Tool.Columns.Count + (pair.Table.Table == pair.Tool.DefaultTable ? 1000 : 0);

        return found switch
        {
            [var one] => one,
            [] when tables.Find(PrismaContractHistory.IsState) is { } ledger => throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"{request.Migrations.Target} holds the history of Prisma 8 ({ledger}), which PgOps reads but does not take over.",
                "Nothing was touched.",
                OtherHistory.LeftToPrisma)
            { Subject = request.Migrations.Target },
            [] => throw Nothing(request),
            _ => throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"{request.Migrations.Target} holds more than one tool's history: "
                    + $"{string.Join(", ", found.Select(pair => $"{pair.Tool.Title} ({pair.Table})"))}.",
                "Nothing was touched.",
                "Say which one is meant with -From, and with -HistoryTable schema.name where one tool has several.")
            { Subject = request.Migrations.Target },
        };
    }

    /// <summary>The other tools' histories under their usual names, in all schemas or in one.</summary>
    internal static async Task<List<(ForeignTool Tool, ForeignTable Table)>> AllAsync(
        NpgsqlConnection connection, string? schema, CancellationToken cancellationToken)
    {
        var tables = await TablesAsync(connection, null, cancellationToken).ConfigureAwait(false);
        var found = (from table in tables
                     from tool in Tools
                     where table.Table == tool.DefaultTable && tool.Recognises(table) && (schema is null || table.Schema == schema)
                     select (tool, table)).ToList();
        PrismaContractHistory.PreferLedger(found);
        return found;
    }

    /// <summary>The table of a qualified name, as <see cref="ForeignTable.Name"/> spells it; null when it is gone.</summary>
    internal static async Task<ForeignTable?> FindAsync(NpgsqlConnection connection, string name, CancellationToken cancellationToken)
        => (await TablesAsync(connection, name, cancellationToken).ConfigureAwait(false)).Find(table => table.Name == name);

    /// <summary>A tool that was named is believed as to what dbmate and Rails have in common.</summary>
    private static bool IsOf(ForeignTool tool, ForeignTable table, PgMigrationTool? named)
        => tool.Recognises(named is null ? table : table with { BesideRailsMetadata = named == PgMigrationTool.Rails });

    private static bool IsNamed(ForeignTable table, string name)
        => name == table.Table || name == $"{table.Schema}.{table.Table}" || name == table.Name;

    private static async Task<List<ForeignTable>> TablesAsync(
        NpgsqlConnection connection, string? name, CancellationToken cancellationToken)
        => await connection.QueryAsync(
            Query,
            row => new ForeignTable(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3))
            {
                Columns = row.GetFieldValue<string[]>(4).ToHashSet(StringComparer.Ordinal),
                BesideRailsMetadata = row.GetBoolean(5),
                IsReadable = row.GetBoolean(6),
                HidesRows = row.GetBoolean(7),
                Role = row.GetString(8),
            },
            cancellationToken,
            Tools.Select(tool => tool.DefaultTable).Distinct().ToArray(),
            name ?? "",
            RailsMetadata).ConfigureAwait(false);

    private static PgOpsException Nothing(ImportRequest request)
    {
        var tools = string.Join(", ", Tools
            .Where(tool => tool.Tool is not null && (request.From is null || tool.Tool == request.From))
            .Select(tool => $"{tool.Title}'s {request.Table ?? tool.DefaultTable}"));
        return new PgOpsException(
            PgErrorCode.InvalidArgument,
            $"{request.Migrations.Target} holds no other tool's history. Looked for, by name and columns: {tools}.",
            "Nothing was touched.",
            "Name a table that has another name with -From and -HistoryTable. "
                + "A database without any history: Invoke-PgMigration -Baseline.")
        { Subject = request.Migrations.Target };
    }
}
