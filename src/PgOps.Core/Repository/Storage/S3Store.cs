using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using Amazon.S3;
using Amazon.S3.Model;
using Microsoft.Extensions.Logging;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Streams;

namespace PgOps.Core.Repository.Storage;

/// <summary>A bucket, or a prefix in it, of a service that speaks S3.</summary>
internal sealed class S3Store : RemoteStore
{
    /// <summary>Metadata that says what a big object's content should hash to; the service itself knows only its parts' hashes.</summary>
    internal const string HashMetadata = "pgops-sha256";

    private readonly AmazonS3Client _client;
    private readonly S3Checksums _checksums;
    private readonly S3Upload _upload;

    internal S3Store(StoreUri uri, Throttle throttle, ILogger? log)
        : base(uri)
    {
        var settings = S3Service.Settings(uri);
        _client = S3Service.Connect(uri, throttle, S3Upload.SmallestPart);
        _checksums = new S3Checksums(uri, log);
        _upload = new S3Upload(_client, uri.Root, settings, _checksums);
    }

    /// <inheritdoc/>
    internal override Task<IReadOnlyList<StoredFile>> ListAsync(string folder, CancellationToken cancellationToken)
        => AskAsync<IReadOnlyList<StoredFile>>(folder, async () =>
        {
            var key = Key(folder);
            var prefix = key.Length == 0 ? "" : key + "/";
            var files = new List<StoredFile>();
            var request = new ListObjectsV2Request { BucketName = Uri.Root, Prefix = prefix };
            do
            {
                var page = await _client.ListObjectsV2Async(request, cancellationToken).ConfigureAwait(false);
                files.AddRange((page.S3Objects ?? [])
                    .Where(found => found.Key.Length > prefix.Length && found.Key[^1] != '/')
                    .Select(found => new StoredFile(
                        found.Key[prefix.Length..], found.Size ?? 0, (found.LastModified ?? default).ToUniversalTime())));
                request.ContinuationToken = page.IsTruncated == true ? page.NextContinuationToken : null;
            }
            while (request.ContinuationToken is not null);
            return files;
        });

    /// <inheritdoc/>
    internal override bool ListsLate => true;

    /// <inheritdoc/>
    internal override async Task<IReadOnlyList<StoredFile>> SeekAsync(
        string folder, IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        var found = new ConcurrentBag<StoredFile>();
        await SideBySideAsync(names, async (name, token) =>
        {
            var key = Key(StoreUri.Join(folder, name));
            if (await AskAsync(name, () => HeadAsync(key, token)).ConfigureAwait(false) is { } head)
            {
                found.Add(new StoredFile(name, head.ContentLength, (head.LastModified ?? default).ToUniversalTime()));
            }
        }, cancellationToken).ConfigureAwait(false);
        return [.. found];
    }

    /// <inheritdoc/>
    internal override Task<Stream> OpenAsync(string name, CancellationToken cancellationToken)
        => AskAsync<Stream>(name, async () =>
        {
            var first = await GetAsync(0, null, cancellationToken).ConfigureAwait(false);
            return ResumingStream.Over(
                (offset, token) => AskAsync(
                    name, async () => (await GetAsync(offset, first.ETag, token).ConfigureAwait(false)).ResponseStream),
                first.ResponseStream,
                first.ContentLength);

            // The condition keeps two versions of a file from being joined into one.
            Task<GetObjectResponse> GetAsync(long offset, string? etag, CancellationToken token) => _client.GetObjectAsync(
                new GetObjectRequest
                {
                    BucketName = Uri.Root,
                    Key = Key(name),
                    EtagToMatch = etag,
                    ByteRange = offset == 0 ? null : new ByteRange($"bytes={offset}-"),
                },
                token);
        });

    /// <inheritdoc/>
    internal override Task WriteAsync(string name, byte[] content, CancellationToken cancellationToken)
        => AskAsync(name, () => _upload.PutAsync(Key(name), content, SHA256.HashData(content), cancellationToken));

    /// <inheritdoc/>
    internal override Task SendAsync(
        FileStore source, string folder, IReadOnlyList<HashedFile> files, TransferMeter meter, CancellationToken cancellationToken)
        => SideBySideAsync(files.OrderByDescending(file => file.Bytes), async (file, token) =>
        {
            var name = StoreUri.Join(folder, file.Name);
            var stream = await source.OpenAsync(name, token).ConfigureAwait(false);
            await using var closing = stream.ConfigureAwait(false);
            var whole = await AskAsync(name, () => _upload.SendAsync(Key(name), file, stream, meter, token)).ConfigureAwait(false);
            if (!whole)
            {
                throw new WrongHashException(file.Name);
            }
        }, cancellationToken);

    /// <inheritdoc/>
    internal override async Task<MatchedFiles> MatchingAsync(
        string folder, IReadOnlyList<HashedFile> files, CancellationToken cancellationToken)
    {
        var right = new ConcurrentBag<string>();
        var absent = new ConcurrentBag<string>();
        await SideBySideAsync(files, async (file, token) =>
        {
            var key = Key(StoreUri.Join(folder, file.Name));
            if (await AskAsync(file.Name, () => HeadAsync(key, token)).ConfigureAwait(false) is not { } head)
            {
                absent.Add(file.Name);
                return;
            }

            try
            {
                if (IsSame(key, head, file)
                    ?? (await ReadBackAsync(folder, [file], token).ConfigureAwait(false)).Any())
                {
                    right.Add(file.Name);
                }
            }
            catch (PgOpsException error) when (error.Code == PgErrorCode.PathNotFound)
            {
                absent.Add(file.Name);
            }
        }, cancellationToken).ConfigureAwait(false);
        return new MatchedFiles(right.ToHashSet(StringComparer.Ordinal), absent.ToHashSet(StringComparer.Ordinal));
    }

    /// <inheritdoc/>
    internal override Task DeleteAsync(IReadOnlyList<string> names, CancellationToken cancellationToken)
        => SideBySideAsync(
            names, (name, token) => AskAsync(name, () => _client.DeleteObjectAsync(Uri.Root, Key(name), token)), cancellationToken);

    /// <inheritdoc/>
    internal override Task RemoveFolderAsync(string folder, CancellationToken cancellationToken)
        => AskAsync(folder, () => _upload.AbortAsync(Key(folder) + "/", cancellationToken));

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _client.Dispose();
            _upload.Dispose();
        }

        base.Dispose(disposing);
    }

    private string Key(string name) => name.Length == 0 ? Uri.Path : StoreUri.Join(Uri.Path, name);

    /// <summary>What the service says of an object; null when it shows none.</summary>
    private async Task<GetObjectMetadataResponse?> HeadAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            return await _checksums.AskAsync(checksums => _client.GetObjectMetadataAsync(
                new GetObjectMetadataRequest
                {
                    BucketName = Uri.Root,
                    Key = key,
                    ChecksumMode = checksums ? ChecksumMode.ENABLED : null,
                },
                cancellationToken)).ConfigureAwait(false);
        }
        catch (AmazonS3Exception error) when (error.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>Whether an object has this content; null when the service does not say and it must be read.</summary>
    private bool? IsSame(string key, GetObjectMetadataResponse head, HashedFile file)
    {
        if (head.ContentLength != file.Bytes)
        {
            return false;
        }

        if (string.IsNullOrEmpty(head.ChecksumSHA256))
        {
            return null;
        }

        if (!head.ChecksumSHA256.Contains('-', StringComparison.Ordinal))
        {
            return head.ChecksumSHA256 == Convert.ToBase64String(Convert.FromHexString(file.Hash));
        }

        // The service's checksum of parts: the one we worked out while sending, or one whose parts it checked when they were sent.
        return _upload.Composite(key) is { } sent ? head.ChecksumSHA256 == sent : head.Metadata[HashMetadata] == file.Hash;
    }

    private async Task<T> AskAsync<T>(string name, Func<Task<T>> request)
    {
        try
        {
            return await request().ConfigureAwait(false);
        }
        catch (Exception error) when (S3Service.IsService(error) && error is not TaskCanceledException { InnerException: null })
        {
            throw S3Service.Error(Uri, error, name);
        }
    }

    private Task<bool> AskAsync(string name, Func<Task> request) => AskAsync(name, async () =>
    {
        await request().ConfigureAwait(false);
        return true;
    });
}
