using System.Globalization;
using System.Net;
using Amazon.S3;
using Microsoft.Extensions.Logging;
using PgOps.Core.Repository;
using PgOps.Core.Repository.Storage;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Repository.Storage;

/// <summary>What S3 services refuse, and what PgOps makes of it.</summary>
public sealed class S3ServiceTests : IDisposable
{
    private readonly FaultyS3 _s3 = new();
    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    private static string SetTheClock => OperatingSystem.IsWindows() ? "w32tm /resync" : "sudo timedatectl set-ntp true";

    public void Dispose()
    {
        _s3.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(2, "later")]
    [InlineData(-2, "earlier")]
    public async Task A_wrong_clock_is_named_with_both_times(int hours, string direction)
    {
        var backup = await BackupOnDisk.MakeAsync(_folder.Path, 1000);
        var there = DateTime.UtcNow.AddHours(hours).AddSeconds(hours > 0 ? 30 : -10);
        (_s3.Clock, _s3.Break) = (there, _ => Fault.Skewed);
        var error = await Assert.ThrowsAsync<PgOpsException>(() => CopyAsync(backup));
        Assert.Equal(PgErrorCode.StoreFailed, error.Code);
        Assert.Contains("the service refuses this machine's requests for their time: it is ", error.Problem, StringComparison.Ordinal);
        Assert.EndsWith(
            string.Create(CultureInfo.InvariantCulture, $" here, {there:yyyy-MM-dd HH:mm:ss}Z at the service, 2 h 0 min {direction}."),
            error.Problem, StringComparison.Ordinal);
        Assert.Equal($"Set this machine's clock ({SetTheClock}), then run the command again.", error.NextStep);
    }

    [Fact]
    public void A_service_that_tells_no_time_is_no_hindrance()
    {
        var error = S3Service.Error(
            StoreUri.Parse("s3://bucket/nightly"),
            new AmazonS3Exception("The difference is too large.")
            {
                ErrorCode = "RequestTimeTooSkewed",
                StatusCode = HttpStatusCode.Forbidden,
            },
            "");
        Assert.EndsWith("Z here, and the service does not tell its own time.", error.Problem, StringComparison.Ordinal);
        Assert.Contains("clock", error.NextStep, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(501, "NotImplemented")]
    [InlineData(400, "InvalidArgument")]
    [InlineData(400, "InvalidRequest")]
    public async Task A_service_that_refuses_checksums_gets_none_and_is_read_back(int status, string code)
    {
        (_s3.Checksums, _s3.RefusesChecksums) = (false, (status, code));
        var backup = await BackupOnDisk.MakeAsync(_folder.Path, 9 * 1024 * 1024);
        var copy = await CopyAsync(backup);
        Assert.True(copy.Complete, copy.Problem);
        var said = Assert.Single(_sink.Lines, line => line.Text.Contains("checksums", StringComparison.Ordinal));
        Assert.Equal(LogLevel.Debug, said.Level);
        Assert.Contains($"refuses SHA-256 checksums in headers ({status} {code})", said.Text, StringComparison.Ordinal);

        // Every file is read back, and what goes in one piece goes with the checksum that every service knows.
        var name = Path.GetFileName(backup.Path);
        foreach (var file in (string[])["data/1.dat.gz", "data/toc.dat", "globals.sql", "manifest.json"])
        {
            Assert.Contains($"GET /bucket/nightly/{name}/{file}", _s3.Requests);
        }

        Assert.NotNull(_s3.Headers[$"nightly/{name}/data/toc.dat"]["Content-MD5"]);
        Assert.Equal(0, _s3.Unfinished);

        // Damage is found without the service's help.
        _s3.Objects[$"nightly/{name}/data/toc.dat"] = ("tok"u8.ToArray(), null, null);
        var test = await new TestBackup().RunAsync(
            new TestBackupRequest { Path = copy.Path, BinPath = _folder.Path }, _sink, CancellationToken.None);
        Assert.False(test.Passed);
        Assert.True((await CopyAsync(backup)).Complete);
        Assert.Equal("toc"u8.ToArray(), _s3.Objects[$"nightly/{name}/data/toc.dat"].Content);
    }

    [Fact]
    public async Task A_request_that_is_refused_without_checksums_too_is_refused_for_something_else()
    {
        var backup = await BackupOnDisk.MakeAsync(_folder.Path, 1000);
        _s3.Break = what => what.StartsWith("PUT", StringComparison.Ordinal) ? Fault.Invalid : Fault.None;
        var error = await Assert.ThrowsAsync<PgOpsException>(() => CopyAsync(backup));
        Assert.Contains("the service answers 400: InvalidRequest", error.Problem, StringComparison.Ordinal);
        Assert.DoesNotContain(_sink.Lines, line => line.Text.Contains("checksums", StringComparison.Ordinal));
    }

    private Task<PgBackup> CopyAsync(PgBackup backup)
        => new CopyBackup().RunAsync(
            new CopyBackupRequest { Backup = backup, Destination = _s3.Uri("nightly") }, _sink, CancellationToken.None);
}
