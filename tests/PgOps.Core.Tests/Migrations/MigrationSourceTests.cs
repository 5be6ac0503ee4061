using System.Diagnostics;
using System.Text;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>What a folder may hold, and how its files are read.</summary>
public sealed class MigrationSourceTests : IDisposable
{
    private readonly MigrationWorkspace _workspace = new(new PgTarget());

    private MigrationFolder Folder => MigrationFolder.Read(_workspace.Folder);

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void Numbered_and_timestamped_files_come_in_the_order_of_their_numbers()
    {
        foreach (var name in new[] { "10_ten.sql", "9_nine.sql", "20251015093045_late.sql", "002-two.sql", "010000_big.SQL" })
        {
            _workspace.Write(name, "SELECT 1;");
        }

        Assert.Equal(["002_two", "9_nine", "10_ten", "010000_big", "20251015093045_late"], Folder.Files.Select(file => file.ToString()));
    }

    [Fact]
    public void Prisma_folders_are_read_and_their_lock_file_is_passed_over()
    {
        _workspace.Write("20240102000000_second/migration.sql", "SELECT 2;");
        _workspace.Write("20240101000000_init/migration.sql", "SELECT 1;");
        _workspace.Write("migration_lock.toml", "provider = \"postgresql\"");

        Assert.Equal(MigrationShape.Prisma, Folder.Shape);
        Assert.Equal(["20240101000000_init", "20240102000000_second"], Folder.Files.Select(file => file.ToString()));
    }

    [Fact]
    public void Prisma_folders_run_in_the_order_of_their_names_as_with_Prisma()
    {
        foreach (var name in new[]
        {
            "20240102000000_b",
            "20240102000000_a",
            "20240102000000_a_more",
            "20240102_day",
            "20240103000000_next",
            "0_init",
        })
        {
            _workspace.Write($"{name}/migration.sql", "SELECT 1;");
        }

        _workspace.Write("helper.sql", "SELECT 1;");

        Assert.Equal(
            ["0_init", "20240102000000_a", "20240102000000.1_a_more", "20240102000000.2_b", "20240102999999_day", "20240103000000_next"],
            Folder.Files.Select(file => file.ToString()));
    }

    [Fact]
    public void A_pair_is_made_by_its_version()
    {
        foreach (var name in new[] { "30_add_x.up.sql", "30_drop_x.down.sql", "3_a.up.sql", "4_b.up.sql", "4_b.down.sql" })
        {
            _workspace.Write(name, "SELECT 1;");
        }

        Assert.Equal(
            ["3_a ", "4_b 4_b.down.sql", "30_add_x 30_drop_x.down.sql"],
            Folder.Files.Select(file => $"{file} {Path.GetFileName(file.Down?.Path)}"));
    }

    [Fact]
    public void Down_scripts_seeds_hidden_files_and_notes_are_no_migrations()
    {
        foreach (var name in new[] { "1_a.sql", "1_a.down.sql", "1_a.seed.sql", ".2_b.sql", "_3_c.sql", "README.md", "seeds/users.sql" })
        {
            _workspace.Write(name, "SELECT 1;");
        }

        Assert.Equal(["1_a"], Folder.Files.Select(file => file.ToString()));
    }

    [Theory]
    [InlineData("create_orders.sql")]
    [InlineData("1.sql")]
    [InlineData("V1__init.sql")]
    [InlineData("init/migration.sql")]
    [InlineData("20240101000000_init/script.sql")]
    [InlineData("later/2_b.sql")]
    public void A_file_that_fits_no_shape_is_named(string name)
    {
        _workspace.Write("1_a.sql", "SELECT 1;");
        _workspace.Write(name, "SELECT 1;");

        var error = Refusal(() => Folder);

        Assert.Contains(name.Split('/')[0], error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_down_script_without_a_migration_does_nothing_and_one_beside_another_name_is_told_its_own()
    {
        _workspace.Write("1_a.sql", "SELECT 1;");
        var orphan = _workspace.Write("2_b.down.sql", "SELECT 1;");
        Assert.Equal(["1_a"], Folder.Files.Select(file => file.ToString()));
        Assert.Equal(["2_b.down.sql (there is no migration of version 2 that it could undo)"], Folder.PassedOver);

        _workspace.Write("02_c.sql", "SELECT 1;");
        var error = Refusal(() => Folder);
        Assert.Contains($"Rename-Item -LiteralPath '{orphan}' '02_c.down.sql'", error.Problem, StringComparison.Ordinal);
        File.Move(orphan, Path.Combine(_workspace.Folder, "02_c.down.sql"));
        Assert.NotNull(Folder.Files[1].Down);

        _workspace.Write("2_b.down.sql", "SELECT 1;");
        Assert.Contains("version 2 has what undoes it elsewhere", Refusal(() => Folder).Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("caf\\351", "caf_")]
    [InlineData("a; touch owned; \\351", "a; touch owned; _")]
    [InlineData("\\047; touch owned; \\047\\351", "'; touch owned; '_")]
    public void A_name_that_is_not_UTF_8_is_named_with_the_command_that_renames_it(string name, string then)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        // "café" in Latin-1; .NET cannot write such a name itself.
        using var shell = Process.Start("/bin/sh", ["-c", $"printf 'SELECT 1;' > \"$0/$(printf '1_{name}.sql')\"", _workspace.Folder]);
        shell.WaitForExit();

        var error = Refusal(() => Folder);
        Assert.Contains("a file whose name is not valid UTF-8: '1_", error.Problem, StringComparison.Ordinal);
        using var mending = Process.Start("/bin/sh", ["-c", error.NextStep![error.NextStep!.IndexOf("cd ", StringComparison.Ordinal)..]]);
        mending.WaitForExit();
        Assert.Equal([$"1_{then}.sql"], Directory.GetFiles(_workspace.Folder).Select(Path.GetFileName));
        Assert.False(File.Exists("owned"));
    }

    [Theory]
    [InlineData("-- pgops no-transaction")]
    [InlineData("-- pgops; no transaction")]
    [InlineData("--pgops-no-transaction")]
    [InlineData("-- pg-ops: no-transaction")]
    [InlineData("-- @pgops no_transaction because of CONCURRENTLY")]
    [InlineData("/* pgops: no-transaction */")]
    [InlineData("-- no-transaction: pgops")]
    [InlineData("-- pgops ignore")]
    public void What_is_almost_a_directive_is_refused_with_the_right_spelling(string comment)
    {
        _workspace.Write("1_a.sql", comment + "\nSELECT 1;");

        var error = Assert.Throws<PgOpsException>(() => MigrationScript.Read(Folder.Files[0]));
        Assert.Contains($"'{comment}' is almost a directive of PgOps', and does nothing", error.Problem, StringComparison.Ordinal);
        Assert.Contains("write it as -- pgops: no-transaction", error.Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-- pgops runs this in one transaction")]
    [InlineData("-- PgOps allows no transaction here")]
    [InlineData("-- no-transaction")]
    [InlineData("-- pgops: no-transaction")]
    public void A_comment_that_speaks_of_PgOps_is_none(string comment)
    {
        _workspace.Write("1_a.sql", comment + "\nSELECT 1;");

        Assert.Single(MigrationScript.Read(Folder.Files[0]).Statements);
    }

    [Fact]
    public void All_strays_are_named_at_once()
    {
        _workspace.Write("a.sql", "");
        _workspace.Write("b.sql", "");

        var error = Refusal(() => Folder);

        Assert.Contains("a.sql", error.Message, StringComparison.Ordinal);
        Assert.Contains("b.sql", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mixture_of_shapes_is_refused()
    {
        _workspace.Write("1_a.sql", "SELECT 1;");
        _workspace.Write("2_b/migration.sql", "SELECT 1;");

        Assert.Contains("mixes two shapes", Refusal(() => Folder).Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("007_a.sql", "7_b.sql")]
    [InlineData("3_a.sql", "3_b.sql")]
    [InlineData("0_a.sql", "000_b.sql")]
    public void Two_files_of_one_version_are_refused(string one, string other)
    {
        _workspace.Write(one, "SELECT 1;");
        _workspace.Write(other, "SELECT 1;");

        var error = Refusal(() => Folder);

        Assert.Contains(Path.GetFileNameWithoutExtension(one), error.Problem, StringComparison.Ordinal);
        Assert.Contains(Path.GetFileNameWithoutExtension(other), error.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_is_not_there_and_a_file_in_its_place_are_told_apart()
    {
        var path = _workspace.Write("1_a.sql", "");

        Assert.Contains(
            "does not exist", Refusal(() => MigrationFolder.Read(path + "x"), PgErrorCode.PathNotFound).Problem, StringComparison.Ordinal);
        Assert.Contains("is a file", Refusal(() => MigrationFolder.Read(path), PgErrorCode.PathNotFound).Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SELECT 1;\r\nSELECT 2;\r\n")]
    [InlineData("\uFEFFSELECT 1;\nSELECT 2;\n")]
    [InlineData("\uFEFFSELECT 1;\r\nSELECT 2;\n")]
    public void Byte_order_mark_and_line_ends_do_not_change_the_checksum(string text)
    {
        _workspace.Write("1_a.sql", "SELECT 1;\nSELECT 2;\n");
        _workspace.Write("2_b.sql", text);

        Assert.Equal(Folder.Files[0].Checksum, Folder.Files[1].Checksum);
        Assert.Equal("SELECT 1;\nSELECT 2;\n", Folder.Files[1].Text);
    }

    [Fact]
    public void The_checksum_is_the_SHA_256_that_sha256sum_shows()
    {
        _workspace.Write("1_a.sql", "SELECT 1;\n");

        Assert.Equal("b4e0497804e46e0a0b0b8c31975b062152d551bac49c3c2e80932567b4085dcd", Folder.Files[0].Checksum);
    }

    [Fact]
    public void Text_that_is_no_UTF_8_is_refused_with_the_way_out()
    {
        Check(Encoding.Unicode.GetPreamble().Concat(Encoding.Unicode.GetBytes("SELECT 1;")), "UTF-16", "utf8NoBOM");
        Check(Encoding.BigEndianUnicode.GetPreamble().Concat(Encoding.BigEndianUnicode.GetBytes("SELECT 1;")), "UTF-16", "utf8NoBOM");
        Check(Encoding.Unicode.GetBytes("SELECT 1;"), "NUL byte at offset 1", "Remove it");
        Check("SELECT 'a\0b';"u8.ToArray(), "NUL byte at offset 9", "Remove it");
        Check(Encoding.Latin1.GetBytes("SELECT 'ü';"), "not valid UTF-8 (byte 8)", "iconv");

        void Check(IEnumerable<byte> bytes, string problem, string next)
        {
            File.WriteAllBytes(_workspace.Write("1_a.sql", ""), [.. bytes]);
            var error = Refusal(() => Folder.Files[0].Text, PgErrorCode.MigrationScriptInvalid);
            Assert.Contains(problem, error.Problem, StringComparison.Ordinal);
            Assert.Contains(next, error.NextStep, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("COMMIT;")]
    [InlineData("BEGIN;\nSELECT 1;")]
    [InlineData("SELECT 1;\nROLLBACK;")]
    [InlineData("BEGIN;\nSELECT 1;\nCOMMIT AND CHAIN;\nSELECT 2;\nCOMMIT;")]
    [InlineData("BEGIN;\nBEGIN;\nSELECT 1;\nCOMMIT;")]
    [InlineData("PREPARE TRANSACTION 'x';")]
    public void Transaction_commands_inside_are_refused(string text)
    {
        var error = Script(text);

        Assert.Contains("its own transaction", error.Problem, StringComparison.Ordinal);
        Assert.Contains("remove the transaction commands", error.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Everything_that_only_psql_or_a_server_can_do_is_shown_at_once_with_its_line_and_way_out()
    {
        var error = Script("DROP DATABASE IF EXISTS chinook;\nCREATE DATABASE chinook;\n\\c chinook;\n\n"
            + "CREATE TABLE a (b int);\n  \\i more.sql\nCOMMIT;\n");

        Assert.Contains("5 places", error.Problem, StringComparison.Ordinal);
        foreach (var (place, way) in new[]
        {
            ("1_a.sql:1:1: DROP DATABASE", "create the database once by hand"), ("1_a.sql:2:1: CREATE DATABASE", "-Target"),
            ("1_a.sql:3:1: \\c is a psql meta-command", "name the database with -Target"), ("1_a.sql:6:3: \\i ", "migration of its own"),
            ("1_a.sql:7:1: COMMIT", "remove the transaction commands"),
        })
        {
            Assert.Contains(place, error.Problem, StringComparison.Ordinal);
            Assert.Contains(way, error.Problem, StringComparison.Ordinal);
        }

        Assert.Equal(1, error.Statement!.Line);
        Assert.Contains("    6 |   \\i more.sql\n      |   ^", error.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_directive_that_does_nothing_is_refused()
    {
        Assert.Contains(
            "'-- pgops: no-transactions' is not a directive",
            Script("-- pgops: no-transactions\nSELECT 1;").Problem,
            StringComparison.Ordinal);
        Assert.Contains(
            "'-- pgops: ignore' is not a directive", Script("-- pgops: ignore rule because\nSELECT 1;").Problem, StringComparison.Ordinal);
        Assert.False(Read("-- pgops: no-transaction\nSELECT 1;").Transactional);
        Assert.Contains(
            "is not a directive", Script("-- pgops: ignore x\n-- pgops: nonsense\nSELECT 1;").Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_wrapped_in_one_transaction_is_unwrapped_and_restrict_lines_are_passed_over()
    {
        var script = Read("\\restrict abc\nBEGIN;\nCREATE TABLE a (b int);\nSAVEPOINT s;\nROLLBACK TO s;\nCOMMIT;\n\\unrestrict abc\n");

        Assert.Equal(["CREATE TABLE a (b int)", "SAVEPOINT s", "ROLLBACK TO s"], script.Statements.Select(statement => statement.Text));
        Assert.True(script.Transactional);
    }

    [Fact]
    public void A_transaction_within_a_file_that_comes_to_the_same_end_in_its_own_is_left_out()
    {
        var script = Read("SELECT 1;\nBEGIN WORK;\nSELECT 2;\nCOMMIT TRANSACTION;");

        Assert.Equal(["SELECT 1", "SELECT 2"], script.Statements.Select(statement => statement.Text));
        Assert.True(script.Transactional);
    }

    [Theory]
    [InlineData("BEGIN;\nSELECT 1;\nCOMMIT;\nSTART TRANSACTION;\nSELECT 2;\nEND;", "0-2 3-5")]
    [InlineData("SELECT 1;\nBEGIN;\nSET LOCAL search_path = a;\nCOMMIT;\nSELECT 2;", "1-3")]
    [InlineData("SELECT 1;\nBEGIN ISOLATION LEVEL SERIALIZABLE;\nCOMMIT;", "1-2")]
    [InlineData("VACUUM;\nBEGIN;\nSELECT 1;\nCOMMIT;\nSELECT 2;", "1-3")]
    public void Others_stay_transactions_of_the_file(string text, string transactions)
    {
        var script = Read(text);

        Assert.Equal(transactions, string.Join(' ', script.Transactions.Select(pair => $"{pair.Key}-{pair.Value}")));
        Assert.False(script.Transactional);
    }

    private static PgOpsException Refusal(Func<object> work, PgErrorCode code = PgErrorCode.MigrationSourceInvalid)
    {
        var error = Assert.Throws<PgOpsException>(() => work());
        Assert.Equal(code, error.Code);
        Assert.False(string.IsNullOrEmpty(error.NextStep));
        return error;
    }

    private MigrationScript Read(string text)
    {
        _workspace.Write("1_a.sql", text);
        return MigrationScript.Read(Folder.Files[0]);
    }

    private PgOpsException Script(string text) => Refusal(() => Read(text), PgErrorCode.MigrationScriptInvalid);
}
