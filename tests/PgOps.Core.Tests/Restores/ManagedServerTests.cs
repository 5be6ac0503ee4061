using PgOps.Core.Postgres.Sandbox;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Restores;

/// <summary>Restores by roles that may not do everything, on servers that look like a provider's.</summary>
[Trait("Category", "Slow")]
public sealed class ManagedServerTests : IAsyncLifetime, IDisposable
{
    private readonly CollectingSink _sink = new();
    private readonly TemporaryFolder _folder = new();
    private PgSandbox? _sandbox;
    private PgBackup _backup = null!;

    private PgTarget Admin => _sandbox!.Target;

    private PgTarget Tenant => (Admin with { Username = "tenant" }).WithPassword(new PgSecret("its own secret"));

    public async Task InitializeAsync()
    {
        if (PostgresAvailability.SkipReason is not null)
        {
            return;
        }

        _sandbox = await new StartSandbox().RunAsync(new(), _sink, CancellationToken.None);
        await ExecuteAsync(Admin, "CREATE ROLE tenant LOGIN PASSWORD 'its own secret'");
        await ExecuteAsync(Admin, "CREATE DATABASE source");
        var source = Admin.WithDatabase("source");
        await ExecuteAsync(source, """
            CREATE EXTENSION pgcrypto;
            CREATE TABLE public.orders (id int PRIMARY KEY, what text);
            INSERT INTO public.orders SELECT g, 'x' FROM generate_series(1, 100) g;
            CREATE SCHEMA app; CREATE TABLE app.settings (a int); INSERT INTO app.settings VALUES (1);
            CREATE VIEW app.seen AS SELECT * FROM public.orders; GRANT SELECT ON app.seen TO PUBLIC;
            """);
        _backup = await OddDatabase.BackUpAsync(source, _folder);
    }

    public async Task DisposeAsync()
    {
        if (_sandbox is not null)
        {
            await new StopSandbox().RunAsync(new() { Sandbox = _sandbox }, _sink, CancellationToken.None);
        }
    }

    public void Dispose() => _folder.Dispose();

    [PostgresTheory]
    [InlineData("rds_superuser", "Amazon RDS")]
    [InlineData("azure_pg_admin", "Azure Database")]
    [InlineData("supabase_admin", "Supabase")]
    [InlineData("somebody", "on this server")]
    public async Task Says_what_the_role_may_not_do_and_restores_into_an_empty_database(string role, string provider)
    {
        await ExecuteAsync(Admin, $"CREATE ROLE {role}; GRANT {role} TO tenant");
        var request = new RestoreDatabaseRequest { Backup = _backup, Target = Tenant, Database = "shop" };

        var error = await FailAsync(request);

        Assert.Contains("may not create databases", error.Message, StringComparison.Ordinal);
        Assert.Contains(provider, error.Message, StringComparison.Ordinal);
        Assert.Contains($"cannot give objects to {Admin.Username}", error.Message, StringComparison.Ordinal);
        Assert.Contains("-IntoEmpty", error.Message, StringComparison.Ordinal);

        await MakeAsync("shop", role);
        request = request with { IntoEmpty = true, MapRole = new Dictionary<string, string> { [Admin.Username] = "tenant" } };
        if (role == "somebody")
        {
            // Only a provider's own schemas are none of the user's.
            Assert.Equal(PgErrorCode.TargetNotEmpty, (await FailAsync(request)).Code);
            await ExecuteAsync(Admin.WithDatabase("shop"), "DROP SCHEMA provided CASCADE");
        }

        Assert.Contains(
            "into the empty", await new RestoreDatabase().PreviewAsync(request, _sink, CancellationToken.None), StringComparison.Ordinal);
        var restore = await RestoreAsync(request);

        Assert.Equal(2, restore.TablesVerified);
        Assert.Equal(101, restore.Rows);
        Assert.Null(restore.ReplacedDatabase);
        var shop = Admin.WithDatabase("shop");
        Assert.Equal("tenant", await ExecuteAsync(shop, "SELECT relowner::regrole::text FROM pg_class WHERE relname = 'seen'"));
        Assert.IsType<DBNull>(await ExecuteAsync(shop, Comment));
        error = await FailAsync(request);
        Assert.Equal(PgErrorCode.TargetNotEmpty, error.Code);
    }

    [PostgresFact]
    public async Task A_failure_in_a_given_database_is_documented_in_it()
    {
        await MakeAsync("given", null);
        var bad = await BackupDamage.ForgeAsync(
            _backup, manifest => manifest with { Tables = [.. manifest.Tables.Select(table => table with { Rows = table.Rows + 1 })] });
        var request = new RestoreDatabaseRequest { Backup = bad, Target = Tenant, Database = "given", IntoEmpty = true, NoOwner = true };

        var error = await FailAsync(request);

        Assert.Equal(PgErrorCode.RestoreMismatch, error.Code);
        Assert.Contains("holds a part of the restore", error.State, StringComparison.Ordinal);
        Assert.Contains("DROP SCHEMA", error.NextStep, StringComparison.Ordinal);
        Assert.StartsWith(
            "pgops restore unfinished", (string?)await ExecuteAsync(Admin.WithDatabase("given"), Comment), StringComparison.Ordinal);
        error = await FailAsync(request);
        Assert.Equal(PgErrorCode.TargetNotEmpty, error.Code);
        Assert.Contains("pgops restore unfinished", error.Message, StringComparison.Ordinal);

        // What the error advises.
        await ExecuteAsync(
            Admin.WithDatabase("given"),
            "DROP SCHEMA app CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO tenant");
        await BackupDamage.ForgeAsync(bad, manifest => manifest with { Tables = _backup.Manifest!.Tables });
        var restore = await RestoreAsync(request with { Backup = bad with { Id = "" } });
        Assert.Equal(2, restore.TablesVerified);
        Assert.IsType<DBNull>(await ExecuteAsync(Admin.WithDatabase("given"), Comment));
    }

    [PostgresFact]
    public async Task A_part_goes_where_its_schemas_are_empty()
    {
        await ExecuteAsync(Admin, "CREATE ROLE supabase_admin");
        await MakeAsync("project", "supabase_admin");
        await ExecuteAsync(Tenant.WithDatabase("project"), "CREATE SCHEMA extensions; CREATE TABLE extensions.mine (x int)");
        var request = new RestoreDatabaseRequest
        {
            Backup = _backup,
            Target = Tenant,
            Database = "project",
            IntoEmpty = true,
            NoOwner = true,
            Schemas = ["public"],
        };

        var restore = await RestoreAsync(request);

        Assert.Equal(1, restore.TablesVerified);
        Assert.Equal(PgErrorCode.TargetNotEmpty, (await FailAsync(request)).Code);
        await RestoreAsync(request with { Schemas = [], Tables = ["app.settings"] });
    }

    [PostgresFact]
    public async Task A_role_that_may_create_databases_swaps_its_own_ones_only()
    {
        await ExecuteAsync(Admin, "ALTER ROLE tenant CREATEDB; CREATE ROLE rds_superuser");
        var request = new RestoreDatabaseRequest
        {
            Backup = _backup,
            Target = Tenant,
            Database = "swapped",
            MapRole = new Dictionary<string, string> { [Admin.Username] = "tenant" },
        };
        Assert.Equal(2, (await RestoreAsync(request)).TablesVerified);
        Assert.NotNull((await RestoreAsync(request with { Force = true })).ReplacedDatabase);

        await ExecuteAsync(Admin, "CREATE DATABASE not_ours");
        await ExecuteAsync(Admin.WithDatabase("not_ours"), "CREATE TABLE precious (x int)");
        var error = await FailAsync(request with { Database = "not_ours", Force = true });
        Assert.Equal(PgErrorCode.PermissionDenied, error.Code);
        Assert.Contains("only its owner may rename it", error.Message, StringComparison.Ordinal);

        // Roles: by CREATEROLE alone, and the creator may then give objects to them.
        var owned = await BackupDamage.ForgeAsync(_backup, manifest => manifest with
        {
            Facts = manifest.Facts with { Roles = [.. manifest.Facts.Roles, "a new one"], Owner = "a new one" },
        });
        request = request with { Backup = owned, Database = "with roles", CreateRoles = true };
        Assert.Contains("CREATEROLE", (await FailAsync(request)).Message, StringComparison.Ordinal);
        await ExecuteAsync(Admin, "ALTER ROLE tenant CREATEROLE");
        Assert.Equal(2, (await RestoreAsync(request)).TablesVerified);
        Assert.Equal(
            "\"a new one\"", await ExecuteAsync(Admin, "SELECT datdba::regrole::text FROM pg_database WHERE datname = 'with roles'"));
    }

    private const string Comment = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()";

    /// <summary>An empty database of the tenant's, in which a provider keeps something that the tenant may not read.</summary>
    private async Task MakeAsync(string name, string? provider)
    {
        await ExecuteAsync(Admin, $"CREATE DATABASE {name} OWNER tenant");
        await ExecuteAsync(Admin.WithDatabase(name), "GRANT ALL ON SCHEMA public TO tenant");
        if (provider is not null)
        {
            await ExecuteAsync(Admin.WithDatabase(name), $"""
                CREATE SCHEMA provided AUTHORIZATION {provider};
                CREATE TABLE provided.secrets (id serial, x int); ALTER TABLE provided.secrets OWNER TO {provider};
                REVOKE ALL ON provided.secrets FROM {provider}; ALTER TABLE provided.secrets ENABLE ROW LEVEL SECURITY;
                """);
        }
    }

    private Task<PgRestore> RestoreAsync(RestoreDatabaseRequest request)
        => new RestoreDatabase().RunAsync(request, _sink, CancellationToken.None);

    private Task<PgOpsException> FailAsync(RestoreDatabaseRequest request)
        => Assert.ThrowsAsync<PgOpsException>(() => RestoreAsync(request));

    private static Task<object?> ExecuteAsync(PgTarget target, string sql) => SandboxServer.ExecuteAsync(target, sql);
}
