using System.Text;
using PgOps.Core.Migrations.Adoption;

namespace PgOps.Core.Tests.Migrations;

/// <summary>What other tools' keys and checksums are, by values that their own code gives.</summary>
public sealed class ForeignToolTests
{
    [Theory]
    [InlineData(PgMigrationTool.Prisma, "public", "_prisma_migrations", "shop", new[] { 72707369L })]
    [InlineData(PgMigrationTool.Flyway, "public", "flyway_schema_history", "shop", new[] { 77433833903597L })]
    [InlineData(PgMigrationTool.GolangMigrate, "public", "schema_migrations", "shop", new[] { 3689236698L, 2101699660L })]
    [InlineData(PgMigrationTool.Sqlx, "public", "_sqlx_migrations", "zone", new[] { 2771974297191923538L })]
    [InlineData(PgMigrationTool.Sqlx, "public", "_sqlx_migrations", "zone_test", new[] { 1283835657316171598L })]
    [InlineData(PgMigrationTool.NodePgMigrate, "public", "pgmigrations", "shop", new[] { 7241865325823964L })]
    [InlineData(PgMigrationTool.Sqitch, "sqitch", "changes", "shop", new[] { 75474063L })]
    [InlineData(PgMigrationTool.Goose, "public", "goose_db_version", "shop", new[] { 5887940537704921958L, 4097083626L })]
    [InlineData(PgMigrationTool.Dbmate, "public", "schema_migrations", "shop", new long[0])]
    [InlineData(PgMigrationTool.Diesel, "public", "__diesel_schema_migrations", "shop", new long[0])]
    [InlineData(PgMigrationTool.EntityFramework, "public", "__EFMigrationsHistory", "shop", new long[0])]
    public void Lock_keys_are_those_of_the_tool(PgMigrationTool tool, string schema, string table, string database, long[] keys)
        => Assert.Equal(keys, Of(tool).LockKeys(new ForeignTable(schema, table, database, $"{schema}.{table}")));

    [Fact]
    public void Every_tool_is_known_once()
        => Assert.Equal(
            Enum.GetValues<PgMigrationTool>().Order(),
            ForeignTableSearch.Tools.Select(tool => tool.Tool).OfType<PgMigrationTool>().Order());

    [Theory]
    [InlineData("SELECT 1;\nSELECT 2;\n")]
    [InlineData("SELECT 1;\r\nSELECT 2;\r\n")]
    [InlineData("\uFEFFSELECT 1;\nSELECT 2;")]
    public void Flyway_hashes_lines_without_their_ends_and_without_the_byte_order_mark(string text)
        => Assert.Equal([Flyway("SELECT 1;SELECT 2;")], Of(PgMigrationTool.Flyway).Checksums(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void A_checkout_with_other_line_ends_is_no_change()
    {
        foreach (var tool in new[] { PgMigrationTool.Prisma, PgMigrationTool.Sqlx, PgMigrationTool.Sqitch })
        {
            var unix = Of(tool).Checksums("SELECT 1;\nSELECT 2;\n"u8.ToArray())!;
            var windows = Of(tool).Checksums("SELECT 1;\r\nSELECT 2;\r\n"u8.ToArray())!;
            Assert.Contains(unix[0], windows);
            Assert.Contains(windows[0], unix);
        }
    }

    /// <summary>CRC-32 bit by bit, apart from the one that is tested.</summary>
    internal static string Flyway(string text)
    {
        var crc = uint.MaxValue;
        foreach (var value in Encoding.UTF8.GetBytes(text))
        {
            for (var bit = 0; bit < 8; bit++)
            {
                var carry = ((crc ^ (uint)(value >> bit)) & 1) != 0;
                crc = (crc >> 1) ^ (carry ? 0xEDB88320 : 0);
            }
        }

        return unchecked((int)~crc).ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    private static ForeignTool Of(PgMigrationTool tool) => ForeignTableSearch.Tools.Single(known => known.Tool == tool);
}
