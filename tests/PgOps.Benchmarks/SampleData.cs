namespace PgOps.Benchmarks;

/// <summary>
/// Rows for backups and restores: narrow ones and wide ones; a scale of 100 is about 1.9 GB in the server, its indexes among it.
/// </summary>
internal static class SampleData
{
    /// <summary>What fills a database.</summary>
    internal static string Fill(int scale) => $"""
        CREATE TABLE accounts AS SELECT i AS id, i % 100 AS branch, (i::bigint * 7919) % 100000 AS balance,
            repeat(' ', 84)::char(84) AS filler
            FROM generate_series(1, {scale * 100_000}) i;
        ALTER TABLE accounts ADD PRIMARY KEY (id);
        CREATE TABLE documents AS SELECT i AS id, md5(i::text) AS name, now() AS at,
            jsonb_build_object('id', i, 'tags', ARRAY[md5((i + 1)::text), md5((i + 2)::text)],
                'text', repeat(md5((i % 1000)::text), 8)) AS body
            FROM generate_series(1, {scale * 6000}) i;
        ALTER TABLE documents ADD PRIMARY KEY (id);
        ANALYZE;
        """;

    /// <summary>
    /// Indexes and a foreign key as an application has them; the tables of <see cref="Fill"/> have their primary keys alone.
    /// </summary>
    internal const string Index = """
        CREATE INDEX ON accounts (branch, balance);
        CREATE INDEX ON accounts (balance) WHERE branch < 50;
        CREATE INDEX ON documents (name);
        CREATE INDEX ON documents (at DESC);
        CREATE INDEX ON documents USING gin (body jsonb_path_ops);
        ALTER TABLE documents ADD FOREIGN KEY (id) REFERENCES accounts (id);
        """;

    /// <summary>How many rows those are.</summary>
    internal static string Describe(int scale) => $"{scale * 100_000:N0} narrow and {scale * 6000:N0} wide rows";
}
