using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Sql;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>Large scripts, whose COPY data stay in the file.</summary>
[Collection(MigrationTests.Name)]
[Trait("Category", "Slow")]
public sealed class LargeScriptTests(SandboxServer server)
{
    private static readonly string[] Pieces =
    [
        "INSERT INTO a VALUES ('x; from stdin;');\n",
        "COPY a FROM stdin;\n1\t2\n\\\\.\n\\.x\n\\.\n",
        "copy b (x, y)\n  from STDIN WITH (FORMAT csv,\n  DELIMITER ';'\n); -- data follow\na;b\n\\.\n",
        "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT 'COPY a FROM stdin;\n1\n\\.\n' $$;\n",
        "/* COPY a FROM stdin;\n*/ SELECT 1;\n",
        "COPY a FROM stdin;\n\\.\n",
        "SET standard_conforming_strings = off;\nSELECT 'a\\';COPY a FROM stdin;\n';\nSET standard_conforming_strings = on;\n",
        "COPY \"stdin;\" TO stdout;\nCOPY ä FROM stdin\n;\n日本 ä € 😀\tx\n\\.\n",
        "\n-- a comment about stdin;\n",
        "SELECT 1; COPY a FROM stdin;\r\none\r\ntwo\r\n\\.\r\n",
    ];

    [Fact]
    public void Read_by_blocks_a_script_is_what_it_is_read_whole()
    {
        using var folder = new TemporaryScript();
        var random = new Random(20261120);
        var left = 0;
        for (var round = 0; round < 400; round++)
        {
            var text = new StringBuilder();
            for (var piece = random.Next(1, 12); piece > 0; piece--)
            {
                text.Append(Pieces[random.Next(Pieces.Length)]);
            }

            // Cut anywhere, also in the middle of data, quotes and bodies.
            var script = random.Next(3) == 0 ? text.ToString(0, random.Next(text.Length)) : text.ToString();
            if (script.Length > 0 && char.IsHighSurrogate(script[^1]))
            {
                script = script[..^1];
            }

            var bytes = Encoding.UTF8.GetBytes((random.Next(4) == 0 ? "\uFEFF" : "") + script);
            File.WriteAllBytes(folder.Path, bytes);

            var content = LargeScript.Read(folder.Path);

            var whole = script.Replace("\r\n", "\n", StringComparison.Ordinal);
            Assert.Equal(Hex.Of(SHA256.HashData(Encoding.UTF8.GetBytes(whole))), content.Sha256);
            Assert.Equal(whole, Filled(content, bytes));
            left += content.Text.Length == whole.Length ? 0 : 1;
            var (expected, found) = (SqlScript.Parse(whole), SqlScript.Parse(content.Text));
            Assert.Equal(expected.Statements.Select(statement => statement.Text), found.Statements.Select(statement => statement.Text));
            Assert.Equal(
                expected.Statements.Select(statement => statement.Line),
                found.Statements.Select(statement => statement.Line + content.LinesLeftOut(statement.Offset)));
            Assert.Equal(expected.Problems.Select(problem => problem.Kind), found.Problems.Select(problem => problem.Kind));
        }

        Assert.True(left > 200, $"data were left out of {left} scripts only");
    }

    [Fact]
    public void A_line_longer_than_a_block_and_a_character_on_its_border_survive()
    {
        using var folder = new TemporaryScript();
        var script = "COPY a FROM stdin;\n" + string.Concat(Enumerable.Repeat("ä€😀", 60_000)) + "\r\n" + new string('x', 131_071)
            + "\r\n\\.\r\nSELECT 2;";
        File.WriteAllText(folder.Path, script, new UTF8Encoding(false));

        var content = LargeScript.Read(folder.Path);

        Assert.Equal(script.Replace("\r\n", "\n", StringComparison.Ordinal), Filled(content, Encoding.UTF8.GetBytes(script)));
        Assert.Equal(4, content.LinesLeftOut(content.Text.Length) + content.Text.Count(c => c == '\n'));
    }

    [Theory]
    [InlineData(new byte[] { 0x41, 0xFF, 0x0A }, "byte 5000001")]
    [InlineData(new byte[] { 0x41, 0x00, 0x0A }, "offset 5000001")]
    public void Bytes_that_are_no_text_are_found_with_their_place(byte[] odd, string place)
    {
        using var folder = new TemporaryScript();
        File.WriteAllBytes(folder.Path, [.. Enumerable.Repeat((byte)'\n', 5_000_000), .. odd]);

        var error = Assert.Throws<PgOpsException>(() => ScriptContent.Read(folder.Path));

        Assert.Equal(PgErrorCode.MigrationScriptInvalid, error.Code);
        Assert.Contains(place, error.Message, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task A_large_seed_is_copied_from_its_file_and_leaves_a_hash_in_the_history()
    {
        using var workspace = await MigrationWorkspace.CreateAsync(server);
        workspace.Write("1_tables.sql", "CREATE TABLE a (id bigint, note text);\nCREATE TABLE b (LIKE a);");
        var path = workspace.Write("rows.seed.sql", Seed(100_000));

        var run = await workspace.RunAsync(request => request with { Seed = true });
        var again = await workspace.RunAsync(request => request with { Seed = true });

        Assert.Equal(2, run.Applied.Count);
        Assert.Empty(again.Applied);
        Assert.Equal(
            100_000, await workspace.ScalarAsync<long>("SELECT count(*) FROM a WHERE note = 'ä' || id || ' a note that is long enough' "));
        Assert.Equal(100_000, await workspace.ScalarAsync<long>("SELECT count(*) FROM b"));
        Assert.Equal(
            Hex.Of(SHA256.HashData(await File.ReadAllBytesAsync(path))),
            await workspace.ScalarAsync<string>("SELECT checksum FROM pgops.migration_history WHERE kind = 'seed'"));
        Assert.True(await workspace.ScalarAsync<int>("SELECT max(length(script)) FROM pgops.migration_history") < 1000);
    }

    [PostgresFact]
    public async Task An_error_behind_large_data_names_the_files_own_line_and_rolls_the_data_back()
    {
        using var workspace = await MigrationWorkspace.CreateAsync(server);
        workspace.Write("1_tables.sql", "CREATE TABLE a (id bigint, note text);\nCREATE TABLE b (LIKE a);");
        workspace.Write("rows.seed.sql", Seed(100_000) + "\n\nSELECT wrong;\n");

        var error = await workspace.FailAsync(PgErrorCode.MigrationFailed, request => request with { Seed = true });

        Assert.Contains("rows.seed.sql:200008:8", error.Message, StringComparison.Ordinal);
        Assert.Contains("200008 | SELECT wrong;", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, await workspace.ScalarAsync<long>("SELECT count(*) FROM a"));
    }

    [PostgresFact]
    public async Task A_file_that_changes_while_it_runs_is_rolled_back()
    {
        using var workspace = await MigrationWorkspace.CreateAsync(server);
        var seed = Seed(100_000);
        var path = workspace.Write("2_rows.sql", seed);
        workspace.Write("1_tables.sql", "CREATE TABLE a (id bigint, note text);\nCREATE TABLE b (LIKE a);\nSELECT pg_sleep(2);");
        var run = workspace.FailAsync(PgErrorCode.MigrationChanged);
        await Eventually.HoldsAsync(
            () => workspace.ScalarAsync<bool>(
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep')"),
            "the first migration sleeps");

        await File.WriteAllTextAsync(path, seed.Replace("ä777 ", "ü777 ", StringComparison.Ordinal));
        await run;

        Assert.Equal(0, await workspace.ScalarAsync<long>("SELECT count(*) FROM a"));
        Assert.Equal(PgMigrationState.Pending, (await workspace.StatusAsync())[1].State);
    }

    [PostgresFact]
    public async Task A_recorded_script_without_its_data_is_not_taken_for_the_file()
    {
        using var workspace = await MigrationWorkspace.CreateAsync(server);
        workspace.Write("1_tables.sql", "CREATE TABLE a (id bigint, note text);\nCREATE TABLE b (LIKE a);");
        workspace.Write("rows.seed.sql", Seed(100_000));
        await workspace.RunAsync(request => request with { Seed = true });
        workspace.Write(
            "rows.seed.sql", (await workspace.ScalarAsync<string>("SELECT script FROM pgops.migration_history WHERE kind = 'seed'"))!);

        var error = await workspace.FailAsync(PgErrorCode.MigrationScriptInvalid, request => request with { Seed = true });

        Assert.Contains("data were left out", error.Message, StringComparison.Ordinal);
    }

    private static string Seed(int rows)
    {
        var data = string.Concat(Enumerable.Range(1, rows).Select(
            row => string.Create(CultureInfo.InvariantCulture, $"{row}\tä{row} a note that is long enough\n")));
        return $"TRUNCATE a, b;\nCOPY a FROM stdin;\n{data}\\.\nCOPY b FROM stdin;\n{data}\\.\n";
    }

    /// <summary>The text with the data back in their places.</summary>
    private static string Filled(ScriptContent content, byte[] file)
    {
        var text = new StringBuilder();
        var next = 0;
        for (var offset = content.Text.IndexOf("(pgops:", StringComparison.Ordinal); offset >= 0;
            offset = content.Text.IndexOf("(pgops:", next, StringComparison.Ordinal))
        {
            var stored = content.StoredAt(offset)!;
            var data = file.AsSpan((int)stored.FileOffset, (int)stored.FileLength);
            Assert.Equal(
                stored.Sha256,
                Hex.Of(SHA256.HashData(
                    Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(data).Replace("\r\n", "\n", StringComparison.Ordinal)))));
            text.Append(content.Text, next, offset - next)
                .Append(Encoding.UTF8.GetString(data).Replace("\r\n", "\n", StringComparison.Ordinal));
            next = offset + stored.Placeholder.Length;
        }

        return text.Append(content.Text, next, content.Text.Length - next).ToString();
    }

    private sealed class TemporaryScript : IDisposable
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("pgops-script-").FullName;

        internal string Path => System.IO.Path.Combine(_folder, "script.sql");

        public void Dispose() => Directory.Delete(_folder, recursive: true);
    }
}
