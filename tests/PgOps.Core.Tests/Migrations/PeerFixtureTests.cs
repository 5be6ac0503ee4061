using PgOps.Core.Migrations;
using PgOps.Core.Migrations.Running;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Sql;
using PgOps.Core.Tests.Peers;
using PgOps.Core.Tests.Support;
using Xunit.Abstractions;

namespace PgOps.Core.Tests.Migrations;

/// <summary>
/// The test data of other tools, which are not part of this repository and in no package registry: PGOPS_PEER_SOURCES names a folder with
/// checkouts of goose, dbmate, sql-migrate, migrate (golang-migrate), sqlx and diesel.
/// </summary>
[Collection(AdoptionTests.Name)]
public sealed class PeerFixtureTests
{
    private const string Variable = "PGOPS_PEER_SOURCES";

    private static readonly (MigrationShape Shape, string[] Folders)[] Expected =
    [
        (MigrationShape.Goose,
        [
            "goose/testdata/migrations", "goose/internal/sqlparser/testdata/valid-txn",
            "goose/internal/testing/integration/testdata/migrations/postgres",
        ]),
        (MigrationShape.Dbmate, ["dbmate/testdata/db/migrations"]),
        (MigrationShape.SqlMigrate, ["sql-migrate/test-migrations"]),
        (MigrationShape.Pairs,
        [
            "migrate/database/postgres/examples/migrations", "migrate/database/pgx/examples/migrations",
            "migrate/source/github/examples/migrations", "sqlx/tests/postgres/migrations_reversible",
        ]),
        (MigrationShape.Files,
        [
            "sqlx/tests/postgres/migrations", "sqlx/tests/postgres/migrations_simple",
            "sqlx/examples/postgres/todos/migrations", "sqlx/examples/postgres/axum-social-with-tests/migrations",
        ]),
        (MigrationShape.Diesel,
        [
            "diesel/examples/postgres/advanced-blog-cli/migrations", "diesel/examples/postgres/relations/migrations",
            "diesel/examples/postgres/custom_types/migrations",
        ]),
    ];

    private readonly SandboxServer _server;
    private readonly ITestOutputHelper _output;

    public PeerFixtureTests(SandboxServer server, ITestOutputHelper output)
    {
        _server = server;
        _output = output;
    }

    private static string Sources => Environment.GetEnvironmentVariable(Variable)!;

    [PeerSourcesFact]
    public void A_goose_file_has_the_statements_that_goose_finds_in_it()
    {
        var cases = Directory.GetDirectories(Path.Combine(Sources, "goose/internal/sqlparser/testdata/valid-up"));
        foreach (var folder in cases.Order(StringComparer.Ordinal))
        {
            using var copy = new TemporaryFolder();
            File.Copy(Path.Combine(folder, "input.sql"), Path.Combine(copy.Path, "00001_x.sql"));
            var golden = Directory.GetFiles(folder, "*.golden.sql").Order(StringComparer.Ordinal)
                .SelectMany(file => Pieces(File.ReadAllText(file))).ToList();

            var script = MigrationScript.Read(Assert.Single(MigrationFolder.Read(copy.Path).Files));

            Assert.Equal(golden, script.Statements.Select(statement => Words(statement.Text)));
            _output.WriteLine($"{Path.GetFileName(folder)}: {golden.Count} statements");
        }

        Assert.NotEmpty(cases);
    }

    /// <summary>goose wants a semicolon behind the last statement of a section; psql does not, and the section ends at its mark.</summary>
    [PeerSourcesFact]
    public void A_section_ends_at_its_mark_also_without_a_semicolon()
    {
        foreach (var file in Directory.GetFiles(Path.Combine(Sources, "goose/internal/sqlparser/testdata/invalid/up")))
        {
            using var copy = new TemporaryFolder();
            File.Copy(file, Path.Combine(copy.Path, "00001_x.sql"));
            var up = File.ReadAllText(file).Split("-- +goose Down")[0];

            var script = MigrationScript.Read(Assert.Single(MigrationFolder.Read(copy.Path).Files));

            Assert.Equal(Pieces(up), script.Statements.Select(statement => Words(statement.Text)));
        }
    }

    [PeerSourcesFact]
    public async Task Their_folders_are_taken_for_what_they_are_run_and_undone()
    {
        foreach (var (shape, folders) in Expected)
        {
            foreach (var name in folders)
            {
                var path = Path.Combine(Sources, name);
                Assert.True(Directory.Exists(path), $"{path} is not there: the tool has moved its test data.");
                var target = await _server.CreateDatabaseAsync();
                var folder = MigrationFolder.Read(path);
                Assert.True(shape == folder.Shape, $"{name} is read as {folder.Shape}");
                var empty = await SchemaDump.OfAsync(target, "pgops");
                var request = new MigrationRequest { Target = target, Path = path };

                var run = await new InvokeMigrations().RunAsync(request, new CollectingSink(), CancellationToken.None);

                Assert.Equal(folder.Files.Count, run.Applied.Count);
                if (folder.Files.All(file => file.Down is not null))
                {
                    await new UndoMigrations().RunAsync(request with { ToVersion = "0" }, new CollectingSink(), CancellationToken.None);
                    Assert.Equal(empty, await SchemaDump.OfAsync(target, "pgops"));
                }

                _output.WriteLine($"{name}: {run.Applied.Count} migrations, {run.Statements} statements");
            }
        }
    }

    /// <summary>The statements of a text, of which goose counts those between StatementBegin and StatementEnd as one.</summary>
    private static IEnumerable<string> Pieces(string text) => SqlScript.Parse(text).Statements.Select(statement => Words(statement.Text));

    /// <summary>A statement without what does not reach the parser.</summary>
    private static string Words(string sql)
    {
        var words = new List<string>();
        foreach (var token in new SqlTokenizer(sql))
        {
            if (token.Kind != SqlTokenKind.Comment)
            {
                words.Add(token.In(sql).ToString());
            }
        }

        return string.Join(' ', words).TrimEnd(' ', ';');
    }

    /// <summary>A test that is skipped, saying so, where no checkouts are named.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    private sealed class PeerSourcesFactAttribute() : PeerFactAttribute(
        PostgresAvailability.Missing ?? SchemaDump.WhyNot(),
        string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Variable))
            ? $"{Variable} names no checkouts of other tools, and no package registry has their test data"
            : null);
}
