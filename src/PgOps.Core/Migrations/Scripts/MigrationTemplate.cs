using System.Text.RegularExpressions;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>
/// A naming pattern and the script that a name of that pattern begins with. What the name cannot tell stands in the script as
/// <c>/* … */</c> where PostgreSQL needs something, so that a file that was not filled in fails as a whole instead of doing half.
/// </summary>
/// <param name="Pattern">The pattern as people read it.</param>
/// <param name="Example">A name that fits.</param>
/// <param name="Shape">The pattern; its groups are the parts of the name.</param>
/// <param name="Body">The script, with the parts in braces. They hold letters, digits and underscores only, so plain quotes do.</param>
internal sealed partial record MigrationTemplate(string Pattern, string Example, Regex Shape, string Body)
{
    /// <summary>Every pattern, the more special ones first (docs: Get-Help about_PgOps_Migrations, NAMES).</summary>
    internal static IReadOnlyList<MigrationTemplate> All { get; } =
    [
        Make(
            "add_index_<column>_<table>",
            "add_index_tenant_id_client_kpis",
            "^add_index_(?!to_)(?<indexed>.+_.+)$",
            """
            -- Index on {table} ({column}). The name does not show where the column ends and the table begins: correct it here if it
            -- was read wrongly.
            --
            -- CONCURRENTLY lets writes go on while the index is built. It refuses a transaction, so keep this file to one statement.
            -- No IF NOT EXISTS: it would pass over the INVALID index that a failed build leaves; PgOps finds and rebuilds that one.

            CREATE INDEX CONCURRENTLY "{table}_{column}_idx" ON "{table}" ("{column}");

            """),
        Make(
            "add_<column>_to_<table>",
            "add_company_size_to_client_kpi",
            "^add_(?!index_)(?<column>.+)_to_(?<table>.+)$",
            """
            -- New column {column} of {table}.
            --
            -- A column that may be NULL, or has a constant default, is there at once whatever the table's size. For NOT NULL:
            --   * with a constant default: NOT NULL DEFAULT 0 here, in this one statement;
            --   * otherwise add it without NOT NULL, fill it in batches, and then, in a later migration each:
            --       ALTER TABLE "{table}" ADD CONSTRAINT "{table}_{column}_not_null" CHECK ("{column}" IS NOT NULL) NOT VALID;
            --       ALTER TABLE "{table}" VALIDATE CONSTRAINT "{table}_{column}_not_null";  -- reads all rows, blocks no writes
            --       ALTER TABLE "{table}" ALTER COLUMN "{column}" SET NOT NULL;             -- takes the constraint's word
            -- A volatile default (random(), gen_random_uuid()) rewrites the table under an exclusive lock.

            ALTER TABLE "{table}" ADD COLUMN "{column}" /* type */;

            """),
        Make(
            "remove_<column>_from_<table>",
            "remove_deprecated_field_from_users",
            "^remove_(?<column>.+)_from_(?<table>.+)$",
            """
            -- Column {column} of {table} goes, with its data, indexes and constraints.
            --
            -- First release a version of the programs that no longer names the column; SELECT * and prepared statements count.
            -- Take a proven backup: Backup-PgDatabase | Test-PgRestore | Invoke-PgMigration.

            {sync}ALTER TABLE "{table}" DROP COLUMN "{column}";

            """),
        Make(
            "rename_<old>_to_<new>_in_<table>",
            "rename_client_id_to_external_id_in_integrations",
            "^rename_(?<old>.+)_to_(?<new>.+)_in_(?<table>.+)$",
            """
            -- {old} of {table} becomes {new}, by expand and contract: a plain rename breaks every program that still runs.
            --   1. expand (this file): the new column, and a trigger that keeps both alike;
            --   2. migrate_{new}_of_{table}: fill the new column of old rows, in batches;
            --   3. release programs that use {new} alone;
            --   4. contract (a later migration): drop the trigger, its function, and {old}.
            -- Nobody else uses the table? Then this is enough: ALTER TABLE "{table}" RENAME COLUMN "{old}" TO "{new}";

            ALTER TABLE "{table}" ADD COLUMN "{new}" /* type of {old} */;

            CREATE FUNCTION "{table}_{new}_sync"() RETURNS trigger LANGUAGE plpgsql AS $sync$
            BEGIN
                IF TG_OP = 'INSERT' THEN
                    NEW."{new}" := coalesce(NEW."{new}", NEW."{old}");
                    NEW."{old}" := coalesce(NEW."{old}", NEW."{new}");
                ELSIF NEW."{new}" IS DISTINCT FROM OLD."{new}" THEN
                    NEW."{old}" := NEW."{new}";
                ELSE
                    NEW."{new}" := NEW."{old}";
                END IF;
                RETURN NEW;
            END
            $sync$;

            CREATE TRIGGER "{table}_{new}_sync" BEFORE INSERT OR UPDATE ON "{table}"
                FOR EACH ROW EXECUTE FUNCTION "{table}_{new}_sync"();

            """),
        Make(
            "create_<table>",
            "create_audit_logs",
            "^create_(?<table>.+)$",
            """
            -- New table {table}.
            --
            -- bigint and identity rather than serial, text rather than varchar(n), timestamptz rather than timestamp. A column that
            -- refers to another table wants an index of its own; on a new table it may be built right here.

            CREATE TABLE "{table}" (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                /* columns */,
                created_at timestamptz NOT NULL DEFAULT now()
            );

            """),
        Make(
            "drop_<table>",
            "drop_audit_logs",
            "^drop_(?<table>.+)$",
            """
            -- Table {table} goes, with its data.
            --
            -- First release a version of the programs that no longer names it. No CASCADE: what still depends on it shall stop this.
            -- Take a proven backup: Backup-PgDatabase | Test-PgRestore | Invoke-PgMigration.

            DROP TABLE "{table}";

            """),
        Make(
            "enable_rls_<table>",
            "enable_rls_financials",
            "^enable_rls_(?<table>.+)$",
            """
            -- Row-level security on {table}. With no policy nobody but the owner sees a row, so policy and switch belong together.
            --
            -- USING says which rows are seen, WITH CHECK which may be written; usually the same, for example
            --     tenant_id = current_setting('app.tenant_id')::bigint
            -- FORCE holds the table's owner to it, too. An index on the columns of the condition keeps queries fast.

            ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY;
            ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY;

            CREATE POLICY "{table}_policy" ON "{table}"
                USING (/* condition */)
                WITH CHECK (/* condition */);

            """),
        Make(
            "migrate_<description>",
            "migrate_currency_to_uppercase",
            "^migrate_(?<description>.+)$",
            """
            -- Data: {description}.
            --
            -- Let the condition pass over rows that are done, so that a second run finds nothing. One statement over a large table
            -- holds its row locks to the end and leaves as many dead rows: there, do it in batches of some thousand rows by key range.

            UPDATE /* table */ SET /* column */ = /* value */ WHERE /* rows not yet done */;

            """),
    ];

    /// <summary>The script for a name's parts.</summary>
    /// <param name="parts">Names and values of the parts.</param>
    internal string Fill(IEnumerable<KeyValuePair<string, string>> parts)
        => parts.Aggregate(Body, (text, part) => text.Replace($"{{{part.Key}}}", part.Value, StringComparison.Ordinal));

    /// <summary>The first place in a text that a template leaves to be filled in; null when there is none.</summary>
    internal static string? PlaceIn(string text) => Place().Match(text) is { Success: true } place ? place.Value : null;

    [GeneratedRegex(@"/\* (?:columns?|table|type|type of [^*]+|condition|value|rows not yet done) \*/", RegexOptions.CultureInvariant)]
    private static partial Regex Place();

    private static MigrationTemplate Make(string pattern, string example, string shape, string body)
        => new(pattern, example, new Regex(
            shape, RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture), body.ReplaceLineEndings("\n"));
}
