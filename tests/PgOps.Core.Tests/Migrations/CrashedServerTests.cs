using System.Diagnostics;
using System.Globalization;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Migrations;

/// <summary>
/// A server that crashes under a run of small migrations, which share their way to the disk: those that it has lost are lost whole,
/// with their history rows, and a rerun brings them. PGOPS_FAULT_ROUNDS says how often (4).
/// </summary>
[Collection(MigrationTests.Name)]
[Trait("Category", "Slow")]
public sealed class CrashedServerTests(SandboxServer server)
{
    private const int Count = 120;

    [PostgresFact]
    public async Task What_a_crash_takes_it_takes_whole()
    {
        using var fragile = await PrivateServer.CreateAsync(server.Target);
        var target = (await fragile.StartAsync(server.Target)).WithDatabase("postgres");
        var (expected, duration) = await UndisturbedAsync(target, "undisturbed");
        var disturbed = 0;
        for (var round = 0; round < DisturbedMigrationTests.Rounds; round++)
        {
            using var workspace = await WorkspaceAsync(target, $"round_{round}");
            var run = workspace.RunAsync();
            await Task.Delay(duration * ((round + Random.Shared.NextDouble()) / DisturbedMigrationTests.Rounds));
            fragile.Kill();
            try
            {
                await run;
            }
            catch (PgOpsException error)
            {
                Assert.True(error.Code is PgErrorCode.ConnectionLost or PgErrorCode.ConnectionFailed, error.ToString());
                disturbed++;
            }

            await fragile.StartAsync(server.Target);
            Assert.Equal(
                "",
                await workspace.ScalarAsync<string>(
                    """
                    SELECT coalesce(string_agg(g::text, ' '), '') FROM generate_series(1, 120) g
                    WHERE (to_regclass('t' || g) IS NOT NULL) IS DISTINCT FROM
                        (to_regclass('pgops.migration_history') IS NOT NULL AND query_to_xml(format(
                            'SELECT 1 FROM %s WHERE version = %L', to_regclass('pgops.migration_history'),
                            lpad(g::text, 4, '0')), true, true, '')::text LIKE '%row%')
                    """));
            await workspace.RunAsync();
            Assert.Equal(expected, await DisturbedSets.PictureAsync(workspace));
        }

        Assert.True(disturbed > 0, "Every run ended before its server crashed.");
    }

    private static async Task<(string? Picture, TimeSpan Duration)> UndisturbedAsync(PgTarget target, string name)
    {
        using var cold = await WorkspaceAsync(target, $"{name}_cold");
        await cold.RunAsync();
        using var workspace = await WorkspaceAsync(target, name);
        var clock = Stopwatch.StartNew();
        await workspace.RunAsync();
        return (await DisturbedSets.PictureAsync(workspace), clock.Elapsed);
    }

    private static async Task<MigrationWorkspace> WorkspaceAsync(PgTarget target, string name)
    {
        await SandboxServer.ExecuteAsync(target, $"CREATE DATABASE {name}");
        var workspace = new MigrationWorkspace(target.WithDatabase(name));
        for (var number = 1; number <= Count; number++)
        {
            var n = number.ToString(CultureInfo.InvariantCulture);
            workspace.Write($"{number:0000}_create_t{n}.sql", $"CREATE TABLE t{n} (a int); INSERT INTO t{n} VALUES ({n});");
        }

        return workspace;
    }
}
