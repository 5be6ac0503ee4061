using PgOps.Core.Comparison;
using PgOps.Core.Drills;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Backups;

/// <summary>A standby has unlogged tables and sequences in its catalog, and nothing of what they hold.</summary>
[Collection(PostgresTests.Name)]
public sealed class StandbyBackupTests : IDisposable
{
    private const string Content = """"
        CREATE TABLE logged (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
        INSERT INTO logged SELECT FROM generate_series(1, 20);
        CREATE SCHEMA "Odd ""one""";
        CREATE UNLOGGED TABLE "Odd ""one"""."unlogged, too" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a text);
        INSERT INTO "Odd ""one"""."unlogged, too" (a) SELECT 'a' FROM generate_series(1, 30);
        CREATE UNLOGGED SEQUENCE counter; SELECT nextval('counter'), nextval('counter');
        """";

    private const string NotCompared =
        """"1 table, none missing, none extra; not compared: "Odd ""one"""."unlogged, too"; "Odd ""one"""."unlogged, too""""
        + """"_id_seq"; "public"."counter" (unlogged, and a standby does not have what they hold)"""";

    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();

    public StandbyBackupTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [LinuxPostgresFact]
    public async Task What_is_unlogged_comes_back_empty_and_is_said_to_be()
    {
        var target = await BackupTestDatabase.CreateAsync(_server, Content);
        using var standby = await Standby.StartAsync(_server);
        var source = standby.Target.WithDatabase(target.Database);

        foreach (var format in new[] { PgBackupFormat.Directory, PgBackupFormat.Plain })
        {
            var backup = await OddDatabase.BackUpAsync(source, _folder, format);
            Assert.Contains(backup.Warnings, warning => warning.Contains("\"public\".\"counter\" (unlogged)", StringComparison.Ordinal));
            Assert.Equal(3, backup.Manifest!.Unlogged.Count);

            var drill = await new TestRestore().RunAsync(new() { Backup = backup }, new CollectingSink(), CancellationToken.None);

            Assert.True(drill.Proven, string.Join('\n', drill.Checks));
            Assert.Equal(NotCompared.Trim(), drill.Checks.Single(check => check.Name == "tables").Detail);
        }
    }

    [LinuxPostgresFact]
    public async Task A_primary_equals_its_standby_but_for_what_is_unlogged()
    {
        var target = await BackupTestDatabase.CreateAsync(_server, Content);
        using var standby = await Standby.StartAsync(_server);
        var copy = standby.Target.WithDatabase(target.Database);

        foreach (var (reference, difference) in new[] { (target, copy), (copy, target) })
        {
            var comparison = await new CompareDatabase().RunAsync(
                new() { ReferenceTarget = reference, Difference = difference }, new CollectingSink(), CancellationToken.None);
            Assert.True(comparison.Passed, string.Join('\n', comparison.Checks));
            Assert.Equal(NotCompared.Trim(), comparison.Checks.Single(check => check.Name == "tables").Detail);
        }
    }
}
