using Amazon.Runtime;
using Microsoft.Extensions.Logging;

namespace PgOps.Core.Repository.Storage;

/// <summary>
/// Whether a service takes SHA-256 checksums in headers, as S3 does since 2022. One that refuses them gets what all know, Content-MD5;
/// what it then holds is read back, for it tells no SHA-256 either.
/// </summary>
internal sealed class S3Checksums
{
    private readonly StoreUri _uri;
    private readonly ILogger? _log;
    private int _refused;

    /// <param name="uri">The store.</param>
    /// <param name="log">Receives that the service refuses them; null for nobody.</param>
    internal S3Checksums(StoreUri uri, ILogger? log)
    {
        _uri = uri;
        _log = log;
    }

    /// <summary>Sends a request with checksums, or without once they were refused and the same request was taken without.</summary>
    /// <param name="request">Sends it; is told whether to put checksums in.</param>
    internal async Task<T> AskAsync<T>(Func<bool, Task<T>> request)
    {
        if (_refused != 0)
        {
            return await request(false).ConfigureAwait(false);
        }

        try
        {
            return await request(true).ConfigureAwait(false);
        }
        catch (AmazonServiceException error) when (S3Service.IsAboutHeaders(error))
        {
            var answer = await request(false).ConfigureAwait(false);
            if (Interlocked.Exchange(ref _refused, 1) == 0)
            {
                _log?.ChecksumsRefused(_uri.ToString(), (int)error.StatusCode, error.ErrorCode ?? "");
            }

            return answer;
        }
    }
}
