using Amazon.S3;
using Amazon.S3.Model;
using PgOps.Core.Common.Streams;
using PgOps.Core.Repository;
using PgOps.Core.Repository.Storage;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Repository.Storage;

/// <summary>
/// What a real S3 service makes of the URI's options, asked of the service itself. Ceph's radosgw has them all.
/// </summary>
[Collection(S3Tests.Name)]
[Trait("Category", "Slow")]
public sealed class RealS3Tests : IDisposable
{
    private const int Part = 8 * 1024 * 1024;

    private readonly TemporaryFolder _folder = new();
    private readonly CollectingSink _sink = new();

    private readonly S3Gateway _gateway;

    public RealS3Tests(S3Gateway gateway)
    {
        _gateway = gateway;
    }

    public void Dispose() => _folder.Dispose();

    [S3Theory]
    [InlineData(1000)]
    [InlineData(Part + 1000)]
    public async Task Every_object_is_encrypted_with_the_key(int bytes)
    {
        var key = _gateway.KmsKey;
        await RoundAsync(Place(_gateway.Server, $"sse=aws:kms&ssekey={key}"), bytes, head =>
        {
            Assert.Equal(ServerSideEncryptionMethod.AWSKMS, head.ServerSideEncryptionMethod);
            Assert.Equal(key, head.ServerSideEncryptionKeyManagementServiceKeyId);
        });
    }

    [S3Theory]
    [InlineData(1000)]
    [InlineData(Part + 1000)]
    public async Task The_services_own_encryption_is_asked_for(int bytes)
        // radosgw 16 encrypts, but does not say so.
        => await RoundAsync(Place(_gateway.Server, "sse=AES256"), bytes, head => Assert.Contains(
            head.ServerSideEncryptionMethod?.Value ?? "", new[] { "", ServerSideEncryptionMethod.AES256.Value }));

    [S3Theory]
    [InlineData("GOVERNANCE", 1000)]
    [InlineData("GOVERNANCE", Part + 1000)]
    [InlineData("COMPLIANCE", 1000)]
    public async Task Every_object_is_locked_and_stays(string mode, int bytes)
    {
        var place = Place(_gateway.Locked, $"lock={mode}&retain=1");
        var kept = new List<string>();
        await RoundAsync(place, bytes, head =>
        {
            Assert.Equal(mode, head.ObjectLockMode?.Value);
            Assert.InRange((head.ObjectLockRetainUntilDate!.Value.ToUniversalTime() - DateTime.UtcNow).TotalHours, 23, 25);
            kept.Add(head.VersionId);
        });

        // A removal only hides what is locked.
        using var client = Client(place);
        var versions = await client.ListVersionsAsync(new ListVersionsRequest { BucketName = place.Root, Prefix = place.Path });
        var locked = versions.Versions.Where(version => kept.Contains(version.VersionId)).ToList();
        Assert.Equal(kept.Count, locked.Count);
        var refused = await Assert.ThrowsAsync<AmazonS3Exception>(() => client.DeleteObjectAsync(
            new DeleteObjectRequest { BucketName = place.Root, Key = locked[0].Key, VersionId = locked[0].VersionId }));
        Assert.Equal(System.Net.HttpStatusCode.Forbidden, refused.StatusCode);
    }

    [S3Theory]
    [InlineData("")]
    public async Task A_broken_upload_goes_on_with_the_parts_that_are_there(string options)
    {
        var place = Place(_gateway.Server, options);
        var backup = await BackupOnDisk.MakeAsync(_folder.Path, 5 * Part);
        using var client = Client(place);
        using var kill = new CancellationTokenSource();
        var copy = CopyAsync(backup, place, kill.Token, 10_000_000);
        IReadOnlyList<PartDetail> parts = [];
        while (parts.Count < 2 && !copy.IsCompleted)
        {
            await Task.Delay(100);
            parts = await PartsAsync(client, place);
        }

        await kill.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => copy);
        parts = await PartsAsync(client, place);
        Assert.InRange(parts.Count, 2, 4);

        var done = await CopyAsync(backup, place, CancellationToken.None);
        Assert.True(done.Complete, done.Problem);
        Assert.Contains(_sink.Lines, line => line.Text.Contains(
            $"{PgSize.Format(parts.Count * (long)Part)} were there already", StringComparison.Ordinal));
        Assert.Empty(await PartsAsync(client, place));
        await StoredBackups.DeleteAsync(done.Path, CancellationToken.None);
    }

    private async Task RoundAsync(StoreUri place, int bytes, Action<GetObjectMetadataResponse> check)
    {
        var backup = await BackupOnDisk.MakeAsync(_folder.Path, bytes);
        var copy = await CopyAsync(backup, place, CancellationToken.None);
        Assert.True(copy.Complete, copy.Problem);
        using var client = Client(place);
        var objects =
            (await client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = place.Root, Prefix = place.Path })).S3Objects;
        Assert.Equal(6, objects.Count);
        foreach (var found in objects)
        {
            check(await client.GetObjectMetadataAsync(place.Root, found.Key));
        }

        var back = await new CopyBackup().RunAsync(
            new CopyBackupRequest { Backup = copy, Destination = Path.Combine(_folder.Path, "back") }, _sink, CancellationToken.None);
        Assert.Equal(PgCheckStatus.Passed, (await TestBackup.HashesAsync(back.Path, CancellationToken.None)).Status);
        await StoredBackups.DeleteAsync(copy.Path, CancellationToken.None);
    }

    private Task<PgBackup> CopyAsync(PgBackup backup, StoreUri place, CancellationToken cancellationToken, long? limit = null)
        => new CopyBackup().RunAsync(
            new CopyBackupRequest { Backup = backup, Destination = place.ToString(), BandwidthLimit = limit }, _sink, cancellationToken);

    private static AmazonS3Client Client(StoreUri place) => S3Service.Connect(place, new Throttle(null), Part);

    private static async Task<IReadOnlyList<PartDetail>> PartsAsync(AmazonS3Client client, StoreUri place)
    {
        var uploads =
            await client.ListMultipartUploadsAsync(new ListMultipartUploadsRequest { BucketName = place.Root, Prefix = place.Path });
        return uploads.MultipartUploads?.SingleOrDefault() is { } upload
            ? (await client.ListPartsAsync(place.Root, upload.Key, upload.UploadId)).Parts ?? []
            : [];
    }

    /// <summary>A place of its own below one of the service's.</summary>
    private static StoreUri Place(string address, string options)
    {
        var named = address.Split('?');
        var query = string.Join('&', named.Skip(1).Append(options).Where(part => part.Length > 0));
        return StoreUri.Parse($"{named[0].TrimEnd('/')}/{Guid.NewGuid():N}?{query}");
    }
}
