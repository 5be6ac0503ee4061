using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>Transactions that a file makes itself: BEGIN and COMMIT, more than one pair or among what no transaction can hold.</summary>
[Collection(MigrationTests.Name)]
public sealed class OwnTransactionTests : IAsyncLifetime, IDisposable
{
    private readonly SandboxServer _server;
    private MigrationWorkspace _workspace = null!;

    public OwnTransactionTests(SandboxServer server)
    {
        _server = server;
    }

    public async Task InitializeAsync()
    {
        if (PostgresAvailability.SkipReason is null)
        {
            _workspace = await MigrationWorkspace.CreateAsync(_server);
        }
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _workspace?.Dispose();

    [PostgresFact]
    public async Task A_file_s_own_transactions_are_real_ones()
    {
        _workspace.Write("1_a.sql", "CREATE TYPE mood AS ENUM ('a');\nCREATE TABLE p (id int PRIMARY KEY, m mood);\n"
            + "CREATE TABLE c (p int REFERENCES p DEFERRABLE INITIALLY DEFERRED);");
        _workspace.Write(
            "2_b.sql", "begin;\nalter type mood add value 'b';\ninsert into c values (1);\ninsert into p values (1);\ncommit;\n"
            + "begin;\nset local work_mem = '64MB';\nalter table c add n int;\ninsert into p values (2, 'b');\ncommit;\n");

        var run = await _workspace.RunAsync();

        Assert.Equal(2, run.Applied.Count);
        Assert.Equal("b", await _workspace.ScalarAsync<string>("SELECT m::text FROM p WHERE id = 2"));
        Assert.Equal("10/10 f", await _workspace.ScalarAsync<string>(
            "SELECT format('%s/%s %s', statements_done, statements_total, transactional) FROM pgops.migration_history WHERE version = "
                + "'2'"));
    }

    [PostgresFact]
    public async Task A_transaction_of_the_file_s_own_that_fails_is_rolled_back_whole_and_begun_anew()
    {
        const string Text = "BEGIN;\nCREATE TABLE a (i int);\nCOMMIT;\nBEGIN ISOLATION LEVEL REPEATABLE READ;\nCREATE TABLE b (i int);\n"
            + "COPY b FROM stdin;\n1\n\\.\nINSERT INTO b SELECT 1/0;\nCOMMIT;\nCREATE TABLE c (i int);\n";
        _workspace.Write("1_a.sql", Text);

        var error = await _workspace.FailAsync(PgErrorCode.MigrationFailed);

        Assert.Equal(9, error.Statement!.Line);
        Assert.Contains("3 of 9 statements are done", error.State, StringComparison.Ordinal);
        Assert.Contains("The transaction that begins in line 4 was rolled back whole", error.State, StringComparison.Ordinal);
        Assert.Equal("a", await _workspace.ScalarAsync<string>("SELECT string_agg(relname, ',') FROM pg_class WHERE relname IN ('a', "
            + "'b')"));

        _workspace.Write("1_a.sql", Text.Replace("1/0", "2", StringComparison.Ordinal));
        await _workspace.RunAsync();
        Assert.Equal(2, await _workspace.ScalarAsync<long>("SELECT count(*) FROM b"));
        Assert.Equal("c", await _workspace.ScalarAsync<string>("SELECT to_regclass('c')::text"));
    }

    [PostgresTheory]
    [InlineData("-- pgops: no-transaction\nALTER TYPE mood ADD VALUE 'c';\nBEGIN;\nCREATE TABLE x AS SELECT 'c'::mood;\nCOMMIT;")]
    [InlineData("CREATE INDEX CONCURRENTLY i ON t (j);\nBEGIN;\nSET LOCAL search_path = pg_catalog;\nCREATE TABLE public.x (i int);\nEND;")]
    public async Task A_transaction_in_a_file_that_runs_by_statement_stays_one(string text)
    {
        _workspace.Write("1_a.sql", "CREATE TYPE mood AS ENUM ('a'); CREATE TABLE t (j int);");
        _workspace.Write("2_b.sql", text);

        await _workspace.RunAsync();

        Assert.Equal("x", await _workspace.ScalarAsync<string>("SELECT to_regclass('public.x')::text"));
    }

    [PostgresFact]
    public async Task A_statement_that_no_transaction_can_hold_is_refused_within_one()
    {
        _workspace.Write("1_a.sql", "BEGIN;\nSELECT 1;\nCOMMIT;\nBEGIN;\nVACUUM;\nCOMMIT;");

        var error = await _workspace.FailAsync(PgErrorCode.MigrationScriptInvalid);

        Assert.Contains("1_a.sql:5:1: this cannot run in a transaction, and stands between BEGIN and COMMIT", error.Problem,
            StringComparison.Ordinal);
    }
}
