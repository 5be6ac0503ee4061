using Npgsql;
using PgOps.Core.Common.Text;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Backups;

/// <summary>
/// A selection's patterns, looked up in the catalog of the backup's snapshot. pg_dump gets the names that were found and not the patterns:
/// it passes over one that nothing fits, reads its letters in the database's encoding, and takes a partitioned table without its
/// partitions.
/// </summary>
internal sealed class SelectedObjects
{
    private const string Nothing = "Nothing was written.";
    private const int NamesInOnePattern = 100;

    // Windows takes 32,767 characters for a whole command line.
    private const int LongestOnWindows = 30_000;

    // What pg_dump takes for a table. With a partitioned one come its partitions, of every level.
    private static readonly string Relations = $"""
        WITH RECURSIVE found AS (
            SELECT c.oid, c.relkind FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'S', 'v', 'm', 'f', 'p') AND c.relpersistence <> 't'
               AND {NotSystem}
               AND c.relname::text OPERATOR(pg_catalog.~) $1 COLLATE pg_catalog."default"
               AND CASE WHEN $2 = '' THEN pg_catalog.pg_table_is_visible(c.oid)
                        ELSE n.nspname::text OPERATOR(pg_catalog.~) $2 COLLATE pg_catalog."default" END
            UNION
            SELECT c.oid, c.relkind FROM found f JOIN pg_catalog.pg_inherits i ON i.inhparent = f.oid
              JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid WHERE f.relkind = 'p')
        SELECT c.oid, c.relkind::text, n.nspname::text, c.relname::text, {Spelled("n.nspname")}, {Spelled("c.relname")}
          FROM found JOIN pg_catalog.pg_class c ON c.oid = found.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         ORDER BY n.nspname::text COLLATE "C", c.relname::text COLLATE "C"
        """;

    private static readonly string Schemas = $"""
        SELECT n.oid, 'n', n.nspname::text, '', {Spelled("n.nspname")}, ''
          FROM pg_catalog.pg_namespace n
         WHERE {NotSystem} AND n.nspname::text OPERATOR(pg_catalog.~) $1 COLLATE pg_catalog."default" AND $2 = ''
         ORDER BY n.nspname::text COLLATE "C"
        """;

    private const string NotSystem = "n.nspname OPERATOR(pg_catalog.!~) '^pg_' AND n.nspname <> 'information_schema'";

    private readonly List<string> _arguments = [];
    private readonly HashSet<uint> _withoutRows = [];
    private readonly List<string> _needs = [];

    private SelectedObjects()
    {
    }

    /// <summary>pg_dump's arguments for it.</summary>
    internal IReadOnlyList<string> Arguments => _arguments;

    /// <summary>The oids of the tables whose rows must not be in the archive.</summary>
    internal IReadOnlySet<uint> WithoutRows => _withoutRows;

    /// <summary>What the part needs to be restored by itself and does not hold, in words.</summary>
    internal IReadOnlyList<string> Needs => _needs;

    /// <summary>Looks the names up.</summary>
    /// <param name="connection">A session in the backup's snapshot, in a transaction.</param>
    /// <param name="selection">What is asked for.</param>
    /// <param name="toolMajor">pg_dump's major version.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PgOpsException">InvalidArgument, with the pattern that nothing fits, or that has no effect.</exception>
    internal static async Task<SelectedObjects> ResolveAsync(
        NpgsqlConnection connection, DumpSelection selection, int toolMajor, CancellationToken cancellationToken)
    {
        var selected = new SelectedObjects();
        if (selection.HasNames)
        {
            // Which table a bare name means, the session's own search_path says, as for pg_dump.
            await connection.ExecuteAsync("SET LOCAL search_path TO DEFAULT", cancellationToken).ConfigureAwait(false);
            await selected.AddAsync(connection, selection, toolMajor, cancellationToken).ConfigureAwait(false);
            await connection.ExecuteAsync("SET LOCAL search_path = ''", cancellationToken).ConfigureAwait(false);
        }

        return selected;
    }

    private async Task AddAsync(
        NpgsqlConnection connection, DumpSelection selection, int toolMajor, CancellationToken cancellationToken)
    {
        var schemas = await FindAsync("-Schema", "--schema=", Schemas, selection.Schemas).ConfigureAwait(false);
        var withoutSchemas = await FindAsync("-ExcludeSchema", "--exclude-schema=", Schemas, selection.ExcludedSchemas)
            .ConfigureAwait(false);
        var tables = await FindAsync("-Table", "--table=", Relations, selection.Tables).ConfigureAwait(false);
        var excluded = await FindAsync("-ExcludeTable", "--exclude-table=", Relations, selection.ExcludedTables).ConfigureAwait(false);
        var emptied = await FindAsync("-ExcludeTableData", "--exclude-table-data=", Relations, selection.ExcludedTableData)
            .ConfigureAwait(false);
        _withoutRows.UnionWith(excluded.Concat(emptied).Where(one => one.Kind == "r").Select(one => one.Oid));
        RequireSomething(schemas, withoutSchemas, "-Schema", "-ExcludeSchema");
        RequireSomething(tables, excluded, "-Table", "-ExcludeTable");
        var lacking = await PartNeeds.FindAsync(
            connection,
            new(Oids(schemas), Oids(withoutSchemas), Oids(tables), Oids(excluded)),
            toolMajor,
            cancellationToken).ConfigureAwait(false);
        _needs.AddRange(lacking.Needs);
        _arguments.AddRange(lacking.Extensions.Select(extension => "--extension=" + Quote.Identifier(extension)));
        if (OperatingSystem.IsWindows() && _arguments.Sum(argument => argument.Length) > LongestOnWindows)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                "The patterns fit more tables than a command line of Windows can name to pg_dump.",
                Nothing,
                "Select schemas in place of tables (-Schema, -ExcludeSchema), or fewer tables.");
        }

        static uint[] Oids(IReadOnlyList<Found> found) => [.. found.Select(one => one.Oid)];

        async Task<IReadOnlyList<Found>> FindAsync(string parameter, string option, string query, IReadOnlyList<string> patterns)
        {
            var all = new Dictionary<uint, Found>();
            foreach (var pattern in patterns)
            {
                var found = await LookUpAsync(connection, parameter, pattern, query, cancellationToken).ConfigureAwait(false);
                if (option == "--exclude-table-data=" && found.All(one => one.Kind is "v" or "f"))
                {
                    throw new PgOpsException(
                        PgErrorCode.InvalidArgument,
                        $"{parameter} {pattern} fits {NameList.InSentence(found.Select(one => one.ToString()))} alone, "
                            + "which has no rows in a dump.",
                        Nothing,
                        $"Leave it out of {parameter}.");
                }

                foreach (var one in found)
                {
                    all[one.Oid] = one;
                }
            }

            foreach (var schema in all.Values.GroupBy(one => one.SpelledSchema))
            {
                _arguments.AddRange(query == Schemas
                    ? [option + schema.Key]
                    : schema.Chunk(NamesInOnePattern).Select(
                        names => $"{option}{schema.Key}.({string.Join('|', names.Select(one => one.SpelledName))})"));
            }

            return [.. all.Values];
        }
    }

    private static void RequireSomething(IReadOnlyList<Found> chosen, IReadOnlyList<Found> excluded, string parameter, string exclusion)
    {
        if (chosen.Count > 0 && !chosen.ExceptBy(excluded.Select(one => one.Oid), one => one.Oid).Any())
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"{exclusion} leaves nothing of what {parameter} selects: {NameList.InSentence(chosen.Select(one => one.ToString()), 5)}.",
                Nothing,
                "Leave one of them out.");
        }
    }

    private static async Task<IReadOnlyList<Found>> LookUpAsync(
        NpgsqlConnection connection, string parameter, string pattern, string query, CancellationToken cancellationToken)
    {
        var parsed = DumpPattern.Parse(pattern);
        var most = query == Schemas ? 0 : 1;
        if (parsed.Qualifiers.Count == most + 1 && parsed.Qualifiers[0] == $"^({connection.Database})$")
        {
            // As pg_dump: the database may be named, if it is this one.
            parsed = parsed with { Qualifiers = [.. parsed.Qualifiers.Skip(1)] };
        }

        if (parsed.Qualifiers.Count > most)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"{parameter} {pattern} has too many dots.",
                Nothing,
                query == Schemas
                    ? "Give a schema's name alone; one with a dot in it in double quotes."
                    : "Give schema.table; a name with a dot in it in double quotes.");
        }

        var schema = parsed.Qualifiers is [var one] ? one : "";
        try
        {
            var found = await connection.QueryAsync(query, Read, cancellationToken, parsed.Name, schema).ConfigureAwait(false);
            if (found.Count > 0)
            {
                return found;
            }

            // Anywhere, and in any case: what else could be meant.
            var likely = await connection.QueryAsync(
                query, Read, cancellationToken, "(?i)" + parsed.Name, query == Schemas ? "" : schema.Length == 0 ? ".*" : "(?i)" + schema)
                .ConfigureAwait(false);
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"{parameter} {pattern} fits nothing in {connection.Database}.",
                Nothing,
                likely.Count > 0
                    ? $"Did you mean {NameList.InSentence(likely.Select(one => $"'{one}'"), 5)}? Letters outside of double quotes are "
                        + "lower case, and a table outside of the search_path needs its schema."
                    : $"Take it out of {parameter}, or mend its spelling: * and ? stand for any characters, letters outside of double "
                        + "quotes are lower case, and a table outside of the search_path needs its schema.");
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.InvalidRegularExpression)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"{parameter} {pattern} is no pattern that PostgreSQL understands: {error.MessageText}.",
                Nothing,
                "Put names with other characters than letters, digits and _ in double quotes.",
                error);
        }
    }

    /// <summary>
    /// A name as a pattern that fits it alone, in ASCII whatever the name holds: small letters, digits and _ as they are, every other
    /// character by its number in the database's encoding.
    /// </summary>
    private static string Spelled(string name) => $$"""
        (SELECT coalesce(pg_catalog.string_agg(CASE WHEN t.letter OPERATOR(pg_catalog.~) '^[a-z0-9_]$' COLLATE "C" THEN t.letter
                ELSE '[\x' || CASE WHEN pg_catalog.getdatabaseencoding() = 'UTF8' THEN pg_catalog.to_hex(pg_catalog.ascii(t.letter))
                ELSE pg_catalog.encode(pg_catalog.convert_to(t.letter, pg_catalog.getdatabaseencoding()), 'hex') END || ']' END,
                '' ORDER BY t.place), '')
           FROM pg_catalog.regexp_split_to_table({{name}}::text, '') WITH ORDINALITY AS t(letter, place))
        """;

    private static Found Read(NpgsqlDataReader row) => new(
        row.GetFieldValue<uint>(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetString(5));

    private sealed record Found(uint Oid, string Kind, string Schema, string Name, string SpelledSchema, string SpelledName)
    {
        /// <inheritdoc/>
        public override string ToString() => Kind == "n"
            ? InPattern(Schema, SpelledSchema)
            : InPattern(Schema, SpelledSchema) + "." + InPattern(Name, SpelledName);

        // What is spelled as it is needs no quotes in a pattern.
        private static string InPattern(string name, string spelled) => name == spelled ? name : Quote.Identifier(name);
    }
}
