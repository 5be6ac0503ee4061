using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace PgOps.Core.Tests.Support;

/// <summary>A web service in this process, on a loopback port; it keeps what it was asked.</summary>
internal sealed class WebService : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Func<Asked, Answer> _answer;

    internal WebService(Func<Asked, Answer> answer)
    {
        _answer = answer;
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            Url = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}");
        }

        _listener.Prefixes.Add(Url + "/");
        _listener.Start();
        _ = ServeAsync();
    }

    internal string Url { get; }

    internal ConcurrentQueue<Asked> Requests { get; } = new();

    public void Dispose() => _listener.Close();

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            using var reader = new StreamReader(context.Request.InputStream, Encoding.UTF8);
            var asked = new Asked(
                $"{context.Request.HttpMethod} {context.Request.RawUrl}",
                context.Request.Headers.AllKeys.ToDictionary(
                    name => name!, name => context.Request.Headers[name]!, StringComparer.OrdinalIgnoreCase),
                await reader.ReadToEndAsync());
            Requests.Enqueue(asked);
            var answer = _answer(asked);
            context.Response.StatusCode = answer.Status;
            context.Response.ContentType = answer.Type;
            if (answer.Cookie is not null)
            {
                context.Response.Headers.Add("Set-Cookie", answer.Cookie);
            }

            await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(answer.Body));
            context.Response.Close();
        }
    }

    internal sealed record Asked(string Line, IReadOnlyDictionary<string, string> Headers, string Body);

    internal sealed record Answer(int Status, string Body, string Type = "application/json", string? Cookie = null);
}
