using System.Globalization;
using System.Text;

namespace PgOps.Benchmarks;

/// <summary>Generates small migrations as teams write them: tables, columns, indexes, rows, dollar-quoted functions.</summary>
internal static class MigrationSet
{
    /// <summary>Writes <c>0001_….sql</c> and so on.</summary>
    internal static void Write(string folder, int count)
    {
        Directory.CreateDirectory(folder);
        for (var number = 1; number <= count; number++)
        {
            var (name, text) = Make(number);
            File.WriteAllText(Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{number:0000}_{name}.sql")), text);
        }
    }

    /// <summary>The paths in the order of their versions.</summary>
    internal static string[] Files(string folder) => [.. Directory.GetFiles(folder, "*.sql").Order(StringComparer.Ordinal)];

    /// <summary>A migration with COPY data of about the given size.</summary>
    internal static void WriteSeed(string path, long bytes)
    {
        using var writer = new StreamWriter(path, append: false, new UTF8Encoding(false), 1 << 20);
        writer.Write("CREATE TABLE seed (id bigint, name text, note text);\nCOPY seed (id, name, note) FROM stdin;\n");
        var filler = new string('x', 60);
        for (long written = 0, id = 1; written < bytes; id++)
        {
            var line = string.Create(CultureInfo.InvariantCulture, $"{id}\tname of {id} é\t{filler}\n");
            writer.Write(line);
            written += line.Length + 1;
        }

        writer.Write("\\.\n\nCREATE INDEX seed_id ON seed (id);\n");
    }

    private static (string Name, string Text) Make(int number)
    {
        var n = number.ToString(CultureInfo.InvariantCulture);

        // The table that the last migration of the first kind made.
        var t = (number - ((number - 1) % 5)).ToString(CultureInfo.InvariantCulture);
        return ((number - 1) % 5) switch
        {
            0 => ($"create_item_{n}", $"""
                -- A table as an application begins it.
                CREATE TABLE item_{n} (
                    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                    name text NOT NULL,
                    price numeric(12, 2) NOT NULL DEFAULT 0 CHECK (price >= 0),
                    created_at timestamptz NOT NULL DEFAULT now()
                );
                COMMENT ON TABLE item_{n} IS 'items; of batch {n}';

                """),
            1 => ($"add_columns_{n}", $"""
                ALTER TABLE item_{t} ADD COLUMN note text;
                ALTER TABLE item_{t} ADD COLUMN stock integer NOT NULL DEFAULT 0;

                """),
            2 => ($"add_index_{n}", $"""
                CREATE INDEX item_{t}_name ON item_{t} (name);
                CREATE INDEX item_{t}_created ON item_{t} (created_at DESC) WHERE stock > 0;

                """),
            3 => ($"add_rows_{n}", $"""
                INSERT INTO item_{t} (name, price, note) VALUES ('a; first', 1.50, NULL), ('second', 2, 'it''s'), ('third', 3, '--');
                UPDATE item_{t} SET stock = 10 WHERE name = 'second';

                """),
            _ => ($"create_function_{n}", $"""
                CREATE FUNCTION item_{t}_total(minimum numeric) RETURNS numeric LANGUAGE plpgsql STABLE AS $body$
                DECLARE
                    total numeric;
                BEGIN
                    -- a comment; with a semicolon
                    SELECT sum(price * stock) INTO total FROM item_{t} WHERE price >= minimum;
                    RETURN coalesce(total, 0);
                END;
                $body$;

                """),
        };
    }
}
