using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>What a migration's name tells, and what is said about one that tells nothing.</summary>
[Collection(MigrationTests.Name)]
public sealed class MigrationNamingTests : IDisposable
{
    private readonly SandboxServer _server;
    private readonly MigrationWorkspace _folder = new(new PgTarget());

    public MigrationNamingTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("add_company_size_to_client_kpi", "ALTER TABLE \"client_kpi\" ADD COLUMN \"company_size\" /* type */;")]
    [InlineData("add company size to client kpi", "ALTER TABLE \"client_kpi\" ADD COLUMN \"company_size\" /* type */;")]
    [InlineData("AddLinkToPageToUsers", "ALTER TABLE \"users\" ADD COLUMN \"link_to_page\" /* type */;")]
    [InlineData("remove_deprecated_field_from_users", "ALTER TABLE \"users\" DROP COLUMN \"deprecated_field\";")]
    [InlineData(
        "rename_client_id_to_external_id_in_integrations",
        "ALTER TABLE \"integrations\" ADD COLUMN \"external_id\" /* type of client_id */;")]
    [InlineData("rename_client_id_to_external_id_in_integrations", "by expand and contract")]
    [InlineData("create_audit_logs", "CREATE TABLE \"audit_logs\" (")]
    [InlineData("create_order", "CREATE TABLE \"order\" (")]
    [InlineData("drop_audit_logs", "DROP TABLE \"audit_logs\";")]
    [InlineData(
        "add_index_tenant_id_client_kpis", "CREATE INDEX CONCURRENTLY \"client_kpis_tenant_id_idx\" ON \"client_kpis\" (\"tenant_id\");")]
    [InlineData("add_index_email_users", "ON \"users\" (\"email\");")]
    [InlineData("enable_rls_financials", "ALTER TABLE \"financials\" ENABLE ROW LEVEL SECURITY;")]
    [InlineData("enable_rls_financials", "CREATE POLICY \"financials_policy\" ON \"financials\"")]
    [InlineData("migrate_currency_to_uppercase", "-- Data: currency to uppercase.")]
    public void A_name_that_fits_a_pattern_gets_its_statement(string name, string statement)
    {
        var naming = MigrationNaming.Read(name, _folder.Folder);

        Assert.Empty(naming.Warnings);
        Assert.Contains(statement, naming.Script, StringComparison.Ordinal);
        Assert.DoesNotContain("{", naming.Script!, StringComparison.Ordinal);
        Assert.DoesNotContain("\r", naming.Script, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_is_taken_is_told_with_its_version()
    {
        _folder.Write("007_create_audit_logs.sql", "CREATE TABLE audit_logs (id int);");

        var warning = Assert.Single(MigrationNaming.Read("create audit logs", _folder.Folder).Warnings);

        Assert.Contains("007_create_audit_logs has that name already", warning, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("init")]
    [InlineData("tidy_up")]
    [InlineData("add_index_to_users")]
    public void A_name_that_fits_none_is_told_the_patterns_with_an_example_each(string name)
    {
        var naming = MigrationNaming.Read(name, _folder.Folder);

        Assert.Null(naming.Script);
        var warning = Assert.Single(naming.Warnings);
        Assert.Contains(name, warning, StringComparison.Ordinal);
        Assert.Contains("fits none", warning, StringComparison.Ordinal);
        Assert.All(MigrationTemplate.All, template => Assert.Contains($"{template.Pattern} ", warning, StringComparison.Ordinal));
        Assert.All(MigrationTemplate.All, template => Assert.Contains(template.Example, warning, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("update_schema")]
    [InlineData("fix")]
    [InlineData("Fix 2")]
    [InlineData("migrate_data")]
    public void A_name_without_content_says_nothing(string name)
    {
        var naming = MigrationNaming.Read(name, _folder.Folder);

        Assert.Null(naming.Script);
        Assert.Contains("says nothing", Assert.Single(naming.Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("20251015_create_orders", "20251015", true)]
    [InlineData("create_orders_2025_10_15", "2025_10_15", true)]
    [InlineData("create_orders_20251015093045", "20251015093045", true)]
    [InlineData("create_orders_2025", "", false)]
    [InlineData("add_20000000_to_prices", "", false)]
    public void A_date_beside_the_version_says_nothing(string name, string date, bool said)
    {
        var warnings = MigrationNaming.Read(name, _folder.Folder).Warnings;

        Assert.Equal(said, warnings.Any(warning => warning.Contains($"'{date}'", StringComparison.Ordinal)
            && warning.Contains("says nothing", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_tables_of_the_folder_tell_where_a_column_ends_and_how_they_are_written()
    {
        _folder.Write("1_a.sql", "create table if not exists public.rates (a int);\n"
            + "CREATE TABLE \"Order Details\" (b int);\nCREATE TABLE Exchange_Rates (c int);");

        Assert.Contains(
            "ON \"exchange_rates\" (\"base_currency\");",
            MigrationNaming.Read("add_index_base_currency_exchange_rates", _folder.Folder).Script,
            StringComparison.Ordinal);
        Assert.Contains(
            "ON \"Order Details\" (\"product\");",
            MigrationNaming.Read("add_index_product_order_details", _folder.Folder).Script,
            StringComparison.Ordinal);
        Assert.Contains(
            "ALTER TABLE \"Order Details\" ADD COLUMN \"note\"",
            MigrationNaming.Read("add_note_to_order_details", _folder.Folder).Script,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Every_example_fits_its_own_pattern_first()
        => Assert.All(
            MigrationTemplate.All,
            template => Assert.Same(template, MigrationTemplate.All.First(other => other.Shape.IsMatch(template.Example))));

    [PostgresFact]
    public async Task A_script_that_was_filled_in_runs_and_one_that_was_not_changes_nothing()
    {
        using var workspace = await MigrationWorkspace.CreateAsync(_server);
        workspace.Write(
            "1_start.sql",
            "CREATE TABLE integrations (id int PRIMARY KEY, client_id int, tenant_id int); CREATE TABLE old_things (id int);");
        await workspace.RunAsync();

        foreach (var (version, name, needed, filled) in new[]
        {
            (2, "create_audit_logs", "/* columns */", "what text NOT NULL"),
            (3, "add_note_to_integrations", "/* type */", "text"),
            (4, "rename_client_id_to_external_id_in_integrations", "/* type of client_id */", "int"),
            (5, "add_index_tenant_id_integrations", "", ""),
            (6, "enable_rls_integrations", "/* condition */", "tenant_id = current_setting('app.tenant')::int"),
            (7, "remove_tenant_id_from_audit_logs", "DROP COLUMN", "DROP COLUMN IF EXISTS"),
            (8, "drop_old_things", "", ""),
        })
        {
            var script = MigrationNaming.Read(name, workspace.Folder).Script!;
            if (needed.StartsWith("/*", StringComparison.Ordinal))
            {
                workspace.Write($"{version}_{name}.sql", script);
                await workspace.FailAsync(PgErrorCode.MigrationFailed);
            }

            workspace.Write(
                $"{version}_{name}.sql", needed.Length == 0 ? script : script.Replace(needed, filled, StringComparison.Ordinal));
            Assert.Equal(name, Assert.Single((await workspace.RunAsync()).Applied).Name);
        }

        await workspace.ExecuteAsync(
            "INSERT INTO integrations (id, client_id) VALUES (1, 7); INSERT INTO integrations (id, external_id) VALUES (2, 8)");
        await workspace.ExecuteAsync(
            "UPDATE integrations SET client_id = 9 WHERE id = 1; UPDATE integrations SET external_id = 10 WHERE id = 2");
        Assert.Equal("9 9, 10 10", await workspace.ScalarAsync<string>(
            "SELECT string_agg(client_id || ' ' || external_id, ', ' ORDER BY id) FROM integrations"));
    }
}
