using System.Diagnostics;
using System.Text.RegularExpressions;
using PgOps.Core.Backups;
using PgOps.Core.Common.Operations;
using PgOps.Core.Repository;
using PgOps.Core.Restores;
using PgOps.Core.Tests.Postgres.Sandbox;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Common;

/// <summary>
/// What a person sees while something long runs: bytes, rate, a percentage that never falls and ends at 100, a plausible estimate.
/// </summary>
[Collection(PostgresTests.Name)]
public sealed partial class ProgressTests : IDisposable
{
    private readonly SandboxServer _server;
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    public ProgressTests(SandboxServer server)
    {
        _server = server;
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_percentage_never_falls_and_the_newest_report_is_never_lost()
    {
        var clock = new HandClock();
        using (var activity = new ProgressActivity(_sink, "work", clock))
        {
            activity.Report("first", 80, 100);
            activity.Report("dropped", 85, 100);
            activity.Report("newest", 70, 100);
            clock.Move(TimeSpan.FromMilliseconds(199));
            Assert.Single(_sink.Reports);
            clock.Move(TimeSpan.FromMilliseconds(1));
            Assert.Equal(2, _sink.Reports.Count);
            clock.Move(TimeSpan.FromMilliseconds(200));
            activity.Report("unknown");
        }

        Assert.Equal(["first", "newest", "unknown", "done"], _sink.Reports.Select(report => report.Status));
        Assert.Equal([80, 85, 85, 100], _sink.Reports.Select(report => report.Percent));
        Assert.Null(_sink.Reports.ElementAt(2).Remaining);
    }

    [Fact]
    public void Nothing_is_shown_after_the_end()
    {
        var clock = new HandClock();
        var activity = new ProgressActivity(_sink, "work", clock);
        activity.Report("first", 1, 2);
        activity.Report("held", 2, 2);
        activity.Dispose();
        activity.Report("late", 2, 2);
        clock.Move(TimeSpan.FromSeconds(1));
        Assert.True(_sink.Reports.Last().Completed);
        Assert.Equal(2, _sink.Reports.Count);
    }

    // 3 MB at 1 MB a second: the time left is known.
    [Fact]
    public async Task The_estimate_of_a_copy_is_what_the_rate_makes_it()
    {
        var backup = await BackupOnDisk.MakeAsync(_folder.Path, 3_000_000);
        var clock = Stopwatch.StartNew();
        var seen = new List<(TimeSpan At, OperationProgress Report)>();
        var sink = new TimingSink(report => seen.Add((clock.Elapsed, report)));
        await new CopyBackup().RunAsync(
            new CopyBackupRequest { Backup = backup, Destination = Path.Combine(_folder.Path, "copy"), BandwidthLimit = 1_000_000 }, sink,
            CancellationToken.None);
        var start = seen[0].At;
        AssertSteady(seen.ConvertAll(one => one.Report));
        var estimates = seen.Where(one => one.Report.Remaining is not null).ToList();
        Assert.True(estimates.Count > 3, $"{seen.Count} reports, {estimates.Count} estimates");

        // What the rate so far makes of the rest, whatever the machine did meanwhile; percentages are whole numbers.
        Assert.All(estimates, one =>
        {
            var done = one.Report.Percent / 100.0;
            var expected = (one.At - start).TotalSeconds * (1 - done) / done;
            Assert.InRange(one.Report.Remaining!.Value.TotalSeconds, (expected * 0.75) - 0.5, (expected * 1.25) + 0.5);
        });
    }

    [PostgresTheory]
    [InlineData(PgBackupFormat.Directory)]
    [InlineData(PgBackupFormat.Custom)]
    public async Task Backup_and_restore_show_bytes_and_rate(PgBackupFormat format)
    {
        var source = await BackupTestDatabase.CreateAsync(
            _server,
            "CREATE TABLE big AS SELECT i, md5(i::text) a, md5((i * 7)::text) b FROM generate_series(1, 250000) i; "
                + "ALTER TABLE big ADD PRIMARY KEY (i);"
            // Its row takes a second to restore, so that some report falls into the middle however quick or slow the machine is.
            + "CREATE TABLE mid (a int CHECK (pg_sleep(1)::text = '')); INSERT INTO mid VALUES (1);"
            + string.Concat(Enumerable.Range(1, 20).Select(number => $"CREATE TABLE s{number} AS SELECT generate_series(1, 2000) AS a;")));
        var backup = await new BackupDatabase().RunAsync(
            new BackupDatabaseRequest
            {
                Target = source,
                Path = _folder.Path,
                Format = format,
                Compression = format == PgBackupFormat.Custom ? "6" : null,
            },
            _sink,
            CancellationToken.None);
        AssertSteady(_sink.Reports);
        var dumping = _sink.Reports.Where(report => report.Activity.StartsWith("Backing up", StringComparison.Ordinal) && !report.Completed)
            .ToList();
        Assert.NotEmpty(dumping);
        Assert.All(dumping, report => Assert.Matches(BytesAndRate(), report.Status));
        Assert.Contains(
            _sink.Reports,
            report => report.Activity.StartsWith("Reading", StringComparison.Ordinal) && BytesAndRate().IsMatch(report.Status));

        _sink.Reports.Clear();
        await new RestoreDatabase().RunAsync(
            new RestoreDatabaseRequest { Backup = backup, Target = _server.Target, Database = "progress_" + backup.Id[..8] }, _sink,
            CancellationToken.None);
        AssertSteady(_sink.Reports);
        Assert.Contains(
            _sink.Reports, report => report.Activity.StartsWith("Restoring", StringComparison.Ordinal) && report.Percent is > 0 and < 100);
    }

    /// <summary>Each activity's percentage never falls, and its last report says that it ended, at 100.</summary>
    private static void AssertSteady(IEnumerable<OperationProgress> reports)
    {
        var activities = reports.GroupBy(report => report.Id).ToList();
        Assert.NotEmpty(activities);
        foreach (var activity in activities)
        {
            var percent = activity.Select(report => report.Percent).ToList();
            Assert.True(percent.SequenceEqual(percent.Order()), $"{activity.First().Activity}: {string.Join(' ', percent)}");
            Assert.Equal((true, 100), (activity.Last().Completed, activity.Last().Percent));
            Assert.Single(activity, report => report.Completed);
        }
    }

    [GeneratedRegex(@"^.+: [\d.]+ (B|bytes|KiB|MiB) of [\d.]+ (KiB|MiB), [\d.]+ (B|bytes|KiB|MiB|GiB)/s$")]
    private static partial Regex BytesAndRate();

    private sealed class TimingSink(Action<OperationProgress> onReport) : IOperationSink
    {
        public Microsoft.Extensions.Logging.ILogger Log => Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

        public void Output(object result)
        {
        }

        public void Failure(PgOpsException error)
        {
        }

        public void Progress(OperationProgress progress)
        {
            lock (this)
            {
                onReport(progress);
            }
        }

        public Task<bool> ConfirmAsync(string question, string caption, CancellationToken cancellationToken) => Task.FromResult(true);
    }
}
