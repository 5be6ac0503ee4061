using System.Xml.Linq;
using PgOps.Core.Checks;
using PgOps.Core.Comparison;
using PgOps.Core.Drills;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Reports;
using PgOps.Core.Repository;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Reports;

/// <summary>Reports of what the operations really give.</summary>
[Collection(PostgresTests.Name)]
public sealed class ResultReportTests : IDisposable
{
    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public ResultReportTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [PostgresFact]
    public async Task Every_result_says_when_it_began_and_how_long_it_took()
    {
        var source = await OddDatabase.CreateAsync(_server);
        var before = DateTime.UtcNow;
        var target = await new TestTarget().RunAsync(source, _sink, CancellationToken.None);
        var backup = await OddDatabase.BackUpAsync(source, _folder);
        var test = await new TestBackup().RunAsync(new() { Path = backup.Path }, _sink, CancellationToken.None);
        var drill = await new TestRestore().RunAsync(new() { Backup = backup, Server = _server.Target }, _sink, CancellationToken.None);
        var restore = await new RestoreDatabase().RunAsync(
            new() { Backup = backup, Target = _server.Target, Database = "of a report" }, _sink, CancellationToken.None);
        var comparison = await new CompareDatabase().RunAsync(
            new() { ReferenceTarget = source, Difference = restore.Target }, _sink, CancellationToken.None);
        var database = await new TestDatabase().RunAsync(new() { Target = restore.Target }, _sink, CancellationToken.None);

        var report = ExportReport.Compose([target, test, drill, restore, comparison, database], null);

        Assert.Equal(
            ["target-test", "backup-test", "drill", "restore", "comparison", "database-test"],
            report.Results.Select(result => result.Kind));
        Assert.All(report.Results, result =>
        {
            Assert.True(result.StartedAt >= before && result.StartedAt <= DateTime.UtcNow, $"{result.Kind}: {result.StartedAt}");
            Assert.True(result.Duration > TimeSpan.Zero, result.Kind);
        });
        Assert.Equal(report.Results.OrderBy(result => result.StartedAt), report.Results);
        var page = XElement.Parse(HtmlReport.Write(report)["<!DOCTYPE html>".Length..]);
        Assert.Equal(6, page.Descendants("section").First().Descendants("span")
            .Count(span => span.Attribute("class")?.Value.StartsWith("bar", StringComparison.Ordinal) == true));
    }
}
