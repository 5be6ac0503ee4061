using System.Globalization;
using PgOps.Core.Migrations.Adoption;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>A drill is a safety net while its backup is young and of the migration state that the database is in.</summary>
[Collection(MigrationTests.Name)]
public sealed class ProvenBackupTests(SandboxServer server) : IAsyncLifetime
{
    private MigrationWorkspace _workspace = null!;

    public async Task InitializeAsync()
    {
        _workspace = await MigrationWorkspace.CreateAsync(server);
        _workspace.Write("1_a.sql", "CREATE TABLE a (i int);");
        await _workspace.RunAsync();
        _workspace.Write("2_b.sql", "CREATE TABLE b (i int);");
    }

    public Task DisposeAsync()
    {
        _workspace.Dispose();
        return Task.CompletedTask;
    }

    [PostgresFact]
    public async Task A_backup_of_an_earlier_state_is_no_proof_and_one_of_this_state_is()
    {
        var early = await ProofAsync(DateTime.UtcNow);
        await _workspace.RunAsync();
        _workspace.Write("3_c.sql", "ALTER TABLE a DROP COLUMN i;");

        var error = await _workspace.FailAsync(PgErrorCode.BackupNotProven, request => request with { Proof = early });

        Assert.Contains("another state of its migrations (1_a, 1 row) than the database's now (2_b, 2 rows)", error.Problem,
            StringComparison.Ordinal);
        var now = await ProofAsync(DateTime.UtcNow);
        Assert.Single((await _workspace.RunAsync(request => request with { Proof = now })).Applied);
    }

    [PostgresFact]
    public async Task The_state_is_read_from_another_tools_history_where_there_is_no_other()
    {
        using var workspace = await MigrationWorkspace.CreateAsync(server);
        await workspace.ScalarAsync<string>(
            "CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY); INSERT INTO schema_migrations VALUES ('001'); SELECT ''");
        workspace.Write("2_b.sql", "CREATE TABLE b (i int);");
        var proof = await ProofAsync(DateTime.UtcNow, workspace);
        Assert.NotNull(proof.Backup.Manifest!.Migration?.Tool);

        var run = await workspace.RunAsync(request => request with { Proof = proof, AllowNotEmpty = true });
        workspace.Write("3_c.sql", "CREATE TABLE c (i int);");
        Assert.Single(run.Applied);
        Assert.Single((await workspace.RunAsync(request => request with { Proof = proof, AllowNotEmpty = true })).Applied);
    }

    [PostgresFact]
    public async Task A_backup_that_is_too_old_is_no_proof()
    {
        var old = await ProofAsync(DateTime.UtcNow.AddHours(-25));

        var error = await _workspace.FailAsync(PgErrorCode.BackupNotProven, request => request with { Proof = old });

        Assert.Contains("1 d 1 h old", error.Problem, StringComparison.Ordinal);
        Assert.Contains("-MaxAge", error.NextStep, StringComparison.Ordinal);
        Assert.Single((await _workspace.RunAsync(request => request with { Proof = old, MaxProofAge = TimeSpan.FromDays(2) })).Applied);
    }

    [PostgresFact]
    public async Task A_run_that_failed_goes_on_behind_the_same_backup()
    {
        var proof = await ProofAsync(DateTime.UtcNow);
        _workspace.Write("3_c.sql", "CREATE TABEL c (i int);");
        await _workspace.FailAsync(PgErrorCode.MigrationFailed, request => request with { Proof = proof });
        _workspace.Write("3_c.sql", "CREATE TABLE c (i int);");

        Assert.Single((await _workspace.RunAsync(request => request with { Proof = proof })).Applied);

        _workspace.Write("4_d.sql", "CREATE TABLE d (i int);");
        await _workspace.RunAsync();
        _workspace.Write("5_e.sql", "CREATE TABLE e (i int);");
        await _workspace.FailAsync(PgErrorCode.BackupNotProven, request => request with { Proof = proof });
    }

    private async Task<PgDrill> ProofAsync(DateTime at, MigrationWorkspace? workspace = null)
    {
        workspace ??= _workspace;
        await using var session = await ServerConnection.OpenAsync(workspace.Target, null, CancellationToken.None);
        var oid = uint.Parse((await workspace.ScalarAsync<string>(
            "SELECT oid::text FROM pg_database WHERE datname = current_database()"))!, CultureInfo.InvariantCulture);
        var manifest = BackupSample.Manifest(workspace.Target.Database, at, 1, await ClusterIdentity.ReadAsync(session,
            CancellationToken.None));
        manifest = manifest with
        {
            Facts = manifest.Facts with { Oid = oid },
            Migration = await DatabasePosition.ReadAsync(session, null, CancellationToken.None),
        };
        return new PgDrill
        {
            Backup = new PgBackup
            {
                Path = "/backups/one",
                Database = manifest.Database,
                SnapshotAt = at,
                Id = manifest.Id,
                Format = "custom",
                Manifest = manifest,
            },
            Checks = [PgCheck.Pass("content", "")],
            ContentEqual = true,
        };
    }
}
