using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Amazon.S3.Model;
using PgOps.Core.Common.Streams;
using PgOps.Core.Repository.Storage;
using PgOps.Core.Tests.Peers;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Repository.Storage;

/// <summary>
/// A real S3 service: the one that PGOPS_S3_SERVER names (s3://bucket/tests?endpoint=http://127.0.0.1:9000, the keys in the AWS
/// variables; PGOPS_S3_LOCKED the same in a bucket made with object lock; PGOPS_S3_KMS_KEY the id of a key of its KMS), else Ceph's
/// radosgw, started here on loopback ports and stopped with the tests.
/// </summary>
public sealed class S3Gateway : IAsyncLifetime
{
    private const string Bucket = "tests";
    private const string LockedBucket = "locked";
    private Process? _process;
    private string _endpoint = "";

    /// <summary>The store that PGOPS_S3_SERVER names or this one.</summary>
    internal string Server => Peer.Named("S3_SERVER") ?? Address(Bucket);

    /// <summary>The same in a bucket with object lock.</summary>
    internal string Locked => Peer.Named("S3_LOCKED") ?? Address(LockedBucket);

    /// <summary>The id of a key of its KMS.</summary>
    internal string KmsKey => Peer.Named("S3_KMS_KEY") ?? "testkey";

    /// <summary>The same bucket by way of rclone, or what PGOPS_RCLONE_REMOTE names.</summary>
    internal string Rclone => Peer.Named("RCLONE_REMOTE")
        ?? $"rclone::s3,provider=Ceph,env_auth=true,endpoint='{_endpoint}':{Bucket}/rclone";

    /// <summary>Why there is no service; null when there is one or it can be started.</summary>
    internal static string? Missing { get; } = Peer.Named("S3_SERVER") is not null ? null
        : PostgresAvailability.OnlyOnLinux
            ?? Peer.MissingProgram(
                "ceph-mon") ?? Peer.MissingProgram("ceph-osd") ?? Peer.MissingProgram("ceph-authtool") ?? Peer.MissingProgram("radosgw");

    public async Task InitializeAsync()
    {
        if (Missing is not null || Peer.Named("S3_SERVER") is not null)
        {
            return;
        }

        FaultyS3.SetKeys();
        // rclone 1.60 cannot take a bundle of certificates from the AWS variable; there is no TLS on the loopback.
        Environment.SetEnvironmentVariable("AWS_CA_BUNDLE", null);
        var port = FreePort();
        _endpoint = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");
        var folder = Path.Combine(Path.GetTempPath(), $"pgops-radosgw-{Guid.NewGuid():N}");
        var start = new ProcessStartInfo(
            "bash",
            [
                Path.Combine(Peer.Root, "tests", "PgOps.Core.Tests", "Stores", "radosgw.sh"), folder,
                Environment.GetEnvironmentVariable("AWS_ACCESS_KEY_ID")!, Environment.GetEnvironmentVariable("AWS_SECRET_ACCESS_KEY")!,
                port.ToString(CultureInfo.InvariantCulture), FreePort().ToString(CultureInfo.InvariantCulture),
            ])
        { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        _process = Process.Start(start)!;
        var errors = _process.StandardError.ReadToEndAsync();
        if (await _process.StandardOutput.ReadLineAsync() != "ready")
        {
            _process.StandardInput.Close();
            throw new InvalidOperationException($"radosgw did not start: {await errors}");
        }

        using var client = S3Service.Connect(StoreUri.Parse(Server), new Throttle(null), 8 * 1024 * 1024);
        await client.PutBucketAsync(new PutBucketRequest { BucketName = Bucket });
        await client.PutBucketAsync(new PutBucketRequest { BucketName = LockedBucket, ObjectLockEnabledForBucket = true });
    }

    public async Task DisposeAsync()
    {
        if (_process is not null)
        {
            _process.StandardInput.Close();
            await _process.WaitForExitAsync();
            _process.Dispose();
        }
    }

    private string Address(string bucket) => $"s3://{bucket}/tests?endpoint={_endpoint}";

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}

/// <summary>The tests of a real S3 service, with a server of their own.</summary>
[CollectionDefinition(Name)]
public sealed class S3Tests : ICollectionFixture<S3Gateway>, ICollectionFixture<SandboxServer>
{
    public const string Name = "S3";
}

/// <summary>A theory that needs a real S3 service.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class S3TheoryAttribute() : PeerTheoryAttribute(PostgresAvailability.Missing ?? S3Gateway.Missing);
