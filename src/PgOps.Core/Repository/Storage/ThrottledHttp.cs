using System.Net;
using Amazon.Runtime;
using PgOps.Core.Common.Streams;

namespace PgOps.Core.Repository.Storage;

/// <summary>HTTP whose request bodies keep to the throttle.</summary>
internal sealed class ThrottledHttp : HttpClientFactory
{
    private readonly Throttle _throttle;
    private readonly TimeSpan _patience;

    internal ThrottledHttp(Throttle throttle, int largestRequest, TimeSpan patience)
    {
        _throttle = throttle;
        // A request's time includes its waiting for the limit, together with its neighbours.
        _patience = patience + TimeSpan.FromSeconds(throttle.BytesPerSecond is { } limit ? 8.0 * largestRequest / limit : 0);
    }

    /// <inheritdoc/>
    public override HttpClient CreateHttpClient(IClientConfig clientConfig)
        => new(new Pacing(_throttle)
        {
            InnerHandler = new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(15) },
        })
        {
            Timeout = _patience,
        };

    /// <inheritdoc/>
    public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

    private sealed class Pacing : DelegatingHandler
    {
        private readonly Throttle _throttle;

        internal Pacing(Throttle throttle)
        {
            _throttle = throttle;
        }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (_throttle.BytesPerSecond is not null && request.Content is { } content)
            {
                request.Content = new PacedContent(content, _throttle);
            }

            return base.SendAsync(request, cancellationToken);
        }
    }

    private sealed class PacedContent : HttpContent
    {
        private readonly HttpContent _inner;
        private readonly Throttle _throttle;

        internal PacedContent(HttpContent inner, Throttle throttle)
        {
            _inner = inner;
            _throttle = throttle;
            foreach (var (name, values) in inner.Headers)
            {
                Headers.TryAddWithoutValidation(name, values);
            }
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context)
            => SerializeToStreamAsync(stream, context, CancellationToken.None);

        // The connection's stream belongs to HTTP: the wrapper is not disposed of.
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
            => _inner.CopyToAsync(new ThrottledStream(stream, _throttle), context, cancellationToken);

        protected override bool TryComputeLength(out long length)
        {
            length = _inner.Headers.ContentLength ?? 0;
            return _inner.Headers.ContentLength is not null;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _inner.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
