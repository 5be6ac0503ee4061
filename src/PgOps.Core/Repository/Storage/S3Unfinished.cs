using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace PgOps.Core.Repository.Storage;

/// <summary>
/// Uploads in parts that were begun and not completed. Their listing may lag behind: one that it shows may be gone.
/// </summary>
internal sealed class S3Unfinished
{
    /// <summary>The code of the answer about an upload that is not there, or no more.</summary>
    internal const string NoSuchUpload = "NoSuchUpload";

    private readonly AmazonS3Client _client;
    private readonly string _bucket;

    internal S3Unfinished(AmazonS3Client client, string bucket)
    {
        _client = client;
        _bucket = bucket;
    }

    /// <summary>Gives up unfinished uploads.</summary>
    /// <param name="prefix">How their keys begin.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <param name="besides">The upload that was just completed, which a late listing may show still; null for none.</param>
    internal async Task AbortAsync(string prefix, CancellationToken cancellationToken, string? besides = null)
    {
        var unfinished = await UnfinishedAsync(prefix, cancellationToken).ConfigureAwait(false);
        foreach (var upload in unfinished.Where(upload => besides is null || (upload.UploadId != besides && upload.Key == prefix)))
        {
            try
            {
                await _client.AbortMultipartUploadAsync(_bucket, upload.Key, upload.UploadId, cancellationToken).ConfigureAwait(false);
            }
            catch (AmazonServiceException error) when (error.ErrorCode == NoSuchUpload)
            {
                // The listing was late: it is gone.
            }
        }
    }

    /// <summary>The newest unfinished upload of this key, with its parts.</summary>
    internal async Task<(string? Upload, Dictionary<int, PartDetail> Parts)> FindAsync(string key, CancellationToken cancellationToken)
    {
        var parts = new Dictionary<int, PartDetail>();
        var found = (await UnfinishedAsync(key, cancellationToken).ConfigureAwait(false))
            .Where(upload => upload.Key == key)
            .MaxBy(upload => upload.Initiated);
        if (found is null)
        {
            return (null, parts);
        }

        var request = new ListPartsRequest { BucketName = _bucket, Key = key, UploadId = found.UploadId };
        ListPartsResponse page;
        do
        {
            try
            {
                page = await _client.ListPartsAsync(request, cancellationToken).ConfigureAwait(false);
            }
            catch (AmazonServiceException error) when (error.ErrorCode == NoSuchUpload)
            {
                // The listing was late: it was given up or completed.
                return (null, []);
            }

            foreach (var part in page.Parts ?? [])
            {
                parts[part.PartNumber ?? 0] = part;
            }

            request.PartNumberMarker = page.NextPartNumberMarker?.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }
        while (page.IsTruncated == true);
        return (found.UploadId, parts);
    }

    private async Task<IReadOnlyList<MultipartUpload>> UnfinishedAsync(string prefix, CancellationToken cancellationToken)
    {
        var uploads = new List<MultipartUpload>();
        var request = new ListMultipartUploadsRequest { BucketName = _bucket, Prefix = prefix };
        ListMultipartUploadsResponse page;
        do
        {
            try
            {
                page = await _client.ListMultipartUploadsAsync(request, cancellationToken).ConfigureAwait(false);
            }
            catch (AmazonServiceException error) when (error.StatusCode is HttpStatusCode.NotImplemented or HttpStatusCode.MethodNotAllowed
                || error.ErrorCode is "NotImplemented")
            {
                // A service that cannot list them cannot have them taken up again.
                return [];
            }

            uploads.AddRange(page.MultipartUploads ?? []);
            (request.KeyMarker, request.UploadIdMarker) = (page.NextKeyMarker, page.NextUploadIdMarker);
        }
        while (page.IsTruncated == true);
        return uploads;
    }
}
