using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Streams;

namespace PgOps.Core.Repository.Storage;

/// <summary>
/// Sends content to a bucket, every request with its SHA-256, which a service that knows the header checks. A big file goes in parts;
/// parts that an interrupted upload brought over, and that are what they should be, are not sent again.
/// </summary>
internal sealed class S3Upload : IDisposable
{
    /// <summary>Bytes of a part, and the most that goes in one piece. Larger only where 10,000 parts would not do.</summary>
    internal const int SmallestPart = 8 * 1024 * 1024;

    private const int PartsAtOnce = 4;
    private const int MostParts = 9_500;
    private const int Megabyte = 1024 * 1024;

    private readonly AmazonS3Client _client;
    private readonly string _bucket;
    private readonly ObjectSettings _settings;
    private readonly S3Checksums _checksums;
    private readonly S3Unfinished _unfinished;
    private readonly SemaphoreSlim _slots = new(PartsAtOnce);
    private readonly ConcurrentDictionary<string, string> _composites = new(StringComparer.Ordinal);

    internal S3Upload(AmazonS3Client client, string bucket, ObjectSettings settings, S3Checksums checksums)
    {
        _client = client;
        _bucket = bucket;
        _settings = settings;
        _checksums = checksums;
        _unfinished = new S3Unfinished(client, bucket);
    }

    /// <inheritdoc/>
    public void Dispose() => _slots.Dispose();

    /// <summary>The checksum of parts that a service should have for an object that was sent; null for others.</summary>
    internal string? Composite(string key) => _composites.GetValueOrDefault(key);

    /// <summary>Gives up the unfinished uploads of all keys that begin so.</summary>
    internal Task AbortAsync(string prefix, CancellationToken cancellationToken) => _unfinished.AbortAsync(prefix, cancellationToken);

    /// <summary>Sends a file.</summary>
    /// <param name="key">Where to.</param>
    /// <param name="file">Its size and right hash.</param>
    /// <param name="content">Its bytes.</param>
    /// <param name="meter">Counts.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <returns>False when the content is not what the hash says; then there is no such object.</returns>
    internal async Task<bool> SendAsync(
        string key, HashedFile file, Stream content, TransferMeter meter, CancellationToken cancellationToken)
    {
        if (file.Bytes > SmallestPart)
        {
            return await SendPartsAsync(key, file, content, meter, cancellationToken).ConfigureAwait(false);
        }

        await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var buffer = new byte[file.Bytes];
            var read =
                await content.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            var hash = SHA256.HashData(buffer.AsSpan(0, read));
            if (read < buffer.Length || !IsHash(hash, file))
            {
                return false;
            }

            await PutAsync(key, buffer, hash, cancellationToken).ConfigureAwait(false);
            meter.Add(read);
            return true;
        }
        finally
        {
            _slots.Release();
        }
    }

    /// <summary>Sends something small in one piece.</summary>
    internal Task PutAsync(string key, byte[] content, byte[] hash, CancellationToken cancellationToken)
        => _checksums.AskAsync(checksums =>
        {
            var request = new PutObjectRequest
            {
                BucketName = _bucket,
                Key = key,
                InputStream = new MemoryStream(content, writable: false),
                ContentType = "application/octet-stream",
                ChecksumSHA256 = checksums ? Convert.ToBase64String(hash) : null,
                MD5Digest = checksums ? null : Md5(content),
                UseChunkEncoding = false,
            };
            request.Metadata[S3Store.HashMetadata] = Hex.Of(hash);
            _settings.Apply(request);
            return _client.PutObjectAsync(request, cancellationToken);
        });

    private async Task<bool> SendPartsAsync(
        string key, HashedFile file, Stream content, TransferMeter meter, CancellationToken cancellationToken)
    {
        var partSize = Math.Max(SmallestPart, (int)((((file.Bytes / MostParts) / Megabyte) + 1) * Megabyte));
        var (upload, there) = await _unfinished.FindAsync(key, cancellationToken).ConfigureAwait(false);
        upload ??= await BeginAsync(key, file.Hash, cancellationToken).ConfigureAwait(false);
        using var whole = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var parts = new SortedDictionary<int, PartETag>();
        var hashes = new MemoryStream();
        var sending = new List<Task>();
        long done = 0;
        try
        {
            for (var number = 1; done < file.Bytes; number++)
            {
                await _slots.WaitAsync(stop.Token).ConfigureAwait(false);
                var buffer = new byte[Math.Min(partSize, file.Bytes - done)];
                if (!await FillAsync(content, buffer, stop.Token).ConfigureAwait(false))
                {
                    break;
                }

                var hash = SHA256.HashData(buffer);
                whole.AppendData(buffer);
                hashes.Write(hash);
                done += buffer.Length;
                sending.Add(PartAsync(number, buffer, hash));
            }
        }
        finally
        {
            if (done < file.Bytes)
            {
                await stop.CancelAsync().ConfigureAwait(false);
            }

            // The first part that failed stops the reading above by the token; its error is the one to tell.
            await WhenAllAsync(sending, cancellationToken).ConfigureAwait(false);
        }

        if (!IsHash(whole.GetHashAndReset(), file))
        {
            await _client.AbortMultipartUploadAsync(_bucket, key, upload, cancellationToken).ConfigureAwait(false);
            return false;
        }

        _composites[key] = $"{Convert.ToBase64String(SHA256.HashData(hashes.ToArray()))}-{parts.Count}";
        await CompleteAsync(key, upload, [.. parts.Values], cancellationToken).ConfigureAwait(false);
        return true;

        async Task PartAsync(int number, byte[] buffer, byte[] hash)
        {
            await Task.Yield();
            try
            {
                var sent = there.GetValueOrDefault(number) is { } before && IsSame(before, buffer, hash)
                    ? new PartETag(number, before.ETag) { ChecksumSHA256 = before.ChecksumSHA256 }
                    : null;
                if (sent is null)
                {
                    sent = await SendPartAsync(key, upload, number, buffer, hash, stop.Token).ConfigureAwait(false);
                    meter.Add(buffer.Length);
                }
                else
                {
                    meter.Skip(buffer.Length);
                }

                lock (parts)
                {
                    parts[number] = sent;
                }
            }
            catch
            {
                await stop.CancelAsync().ConfigureAwait(false);
                throw;
            }
            finally
            {
                _slots.Release();
            }
        }
    }

    /// <summary>Reads a part; gives the slot back when there is none.</summary>
    private async Task<bool> FillAsync(Stream content, byte[] buffer, CancellationToken cancellationToken)
    {
        var filled = false;
        try
        {
            var read =
                await content.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            return filled = read == buffer.Length;
        }
        finally
        {
            if (!filled)
            {
                _slots.Release();
            }
        }
    }

    /// <summary>Waits for all, and throws the error that was the cause rather than a cancellation that followed from it.</summary>
    private static async Task WhenAllAsync(List<Task> tasks, CancellationToken cancellationToken)
    {
        var all = Task.WhenAll(tasks);
        try
        {
            await all.ConfigureAwait(false);
        }
        catch (Exception)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var cause = tasks.Where(task => task.IsFaulted).SelectMany(task => task.Exception!.InnerExceptions)
                .FirstOrDefault(error => error is not OperationCanceledException { InnerException: null });
            if (cause is not null)
            {
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(cause);
            }

            // Only cancelled because the reading failed: that error is on its way already.
        }
    }

    private async Task<string> BeginAsync(string key, string hash, CancellationToken cancellationToken)
    {
        var begun = await _checksums.AskAsync(checksums =>
        {
            var request = new InitiateMultipartUploadRequest
            {
                BucketName = _bucket,
                Key = key,
                ContentType = "application/octet-stream",
                ChecksumAlgorithm = checksums ? ChecksumAlgorithm.SHA256 : null,
            };
            request.Metadata[S3Store.HashMetadata] = hash;
            _settings.Apply(request);
            return _client.InitiateMultipartUploadAsync(request, cancellationToken);
        }).ConfigureAwait(false);
        return begun.UploadId;
    }

    private async Task<PartETag> SendPartAsync(
        string key, string upload, int number, byte[] buffer, byte[] hash, CancellationToken cancellationToken)
    {
        var response = await _checksums.AskAsync(checksums => _client.UploadPartAsync(
            new UploadPartRequest
            {
                BucketName = _bucket,
                Key = key,
                UploadId = upload,
                PartNumber = number,
                PartSize = buffer.Length,
                InputStream = new MemoryStream(buffer, writable: false),
                ChecksumAlgorithm = checksums ? ChecksumAlgorithm.SHA256 : null,
                ChecksumSHA256 = checksums ? Convert.ToBase64String(hash) : null,
                MD5Digest = checksums ? null : Md5(buffer),
                UseChunkEncoding = false,
            },
            cancellationToken)).ConfigureAwait(false);
        return string.IsNullOrEmpty(response.ETag)
            ? throw new IOException($"The answer to part {number} of {key} lacks its ETag, so the part may not have arrived.")
            : new PartETag(number, response.ETag) { ChecksumSHA256 = response.ChecksumSHA256 };
    }

    private async Task CompleteAsync(string key, string upload, List<PartETag> parts, CancellationToken cancellationToken)
    {
        try
        {
            await _client.CompleteMultipartUploadAsync(
                new CompleteMultipartUploadRequest { BucketName = _bucket, Key = key, UploadId = upload, PartETags = parts },
                cancellationToken).ConfigureAwait(false);
        }
        catch (AmazonServiceException error) when (error.ErrorCode == S3Unfinished.NoSuchUpload)
        {
            // An answer that got lost, and the repeated request found it done. The object is compared afterwards in any case.
        }

        await RequireLockAsync(key, cancellationToken).ConfigureAwait(false);

        // Older attempts at the same file would be paid for, for ever.
        await _unfinished.AbortAsync(key, cancellationToken, upload).ConfigureAwait(false);
    }

    /// <summary>
    /// Locks an object that came in parts where the service did not take the lock with the upload's beginning (radosgw 16 does not).
    /// </summary>
    private async Task RequireLockAsync(string key, CancellationToken cancellationToken)
    {
        if (_settings.LockMode is null || await IsLockedAsync(key, cancellationToken).ConfigureAwait(false))
        {
            return;
        }

        await _client.PutObjectRetentionAsync(
            new PutObjectRetentionRequest
            {
                BucketName = _bucket,
                Key = key,
                Retention = new ObjectLockRetention
                {
                    Mode = new ObjectLockRetentionMode(_settings.LockMode.Value),
                    RetainUntilDate = _settings.RetainUntil,
                },
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Whether an object that was just completed is locked; a service may take a while to show it.</summary>
    private async Task<bool> IsLockedAsync(string key, CancellationToken cancellationToken)
    {
        var waiting = RemoteStore.Waiting(RemoteStore.Patience);
        while (true)
        {
            try
            {
                var head = await _client.GetObjectMetadataAsync(_bucket, key, cancellationToken).ConfigureAwait(false);
                return head.ObjectLockMode is not null;
            }
            catch (AmazonServiceException error) when (error.StatusCode == HttpStatusCode.NotFound && !waiting.IsOver)
            {
                await waiting.PauseAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

#pragma warning disable CA5351 // what the service compares on arrival, not a secret
    private static string Md5(byte[] content) => Convert.ToBase64String(MD5.HashData(content));
#pragma warning restore CA5351

    private static bool IsHash(byte[] hash, HashedFile file) => hash.AsSpan().SequenceEqual(Convert.FromHexString(file.Hash));

    // A service without checksums has an MD5 as the ETag of a part; it may have something else, and then the part is sent again.
    private static bool IsSame(PartDetail before, byte[] buffer, byte[] hash)
        => before.Size == buffer.Length && (string.IsNullOrEmpty(before.ChecksumSHA256)
#pragma warning disable CA5351 // the service's own name for a part, not a secret
            ? before.ETag?.Trim('"').Equals(Convert.ToHexString(MD5.HashData(buffer)), StringComparison.OrdinalIgnoreCase) == true
#pragma warning restore CA5351
            : before.ChecksumSHA256 == Convert.ToBase64String(hash));
}
