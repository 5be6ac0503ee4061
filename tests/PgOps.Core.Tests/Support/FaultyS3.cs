using System.Collections.Concurrent;
using System.Collections.Specialized;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace PgOps.Core.Tests.Support;

/// <summary>What becomes of a request.</summary>
internal enum Fault
{
    None,
    Error500,
    Slow503,
    Cut,

    /// <summary>The object as it was before its last write or removal, as a service that is not consistent at once shows it.</summary>
    Late,

    /// <summary>A clock too far from the client's.</summary>
    Skewed,

    /// <summary>A request that asks for what cannot be.</summary>
    Invalid,
}

/// <summary>
/// A tiny S3 service in this process, for faults alone: it keeps objects and unfinished uploads, checks the SHA-256 of what it is sent,
/// and breaks the requests it is told to break.
/// </summary>
internal sealed class FaultyS3 : IDisposable
{
    private readonly HttpListener _listener;
    private readonly ConcurrentDictionary<string, (string Key, ConcurrentDictionary<int, byte[]> Parts, string? Hash)> _uploads =
        new(StringComparer.Ordinal);

    private readonly ConcurrentDictionary<string, (byte[] Content, string? Checksum, string? Hash)?> _before = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _completed = new(StringComparer.Ordinal);

    public FaultyS3()
    {
        SetKeys();
        for (var port = 20_000 + Random.Shared.Next(20_000); ; port++)
        {
            // One that could not start is disposed of by that.
            _listener = new HttpListener();
            try
            {
                Endpoint = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");
                _listener.Prefixes.Add(Endpoint + "/");
                _listener.Start();
                break;
            }
            catch (HttpListenerException)
            {
                // Taken.
            }
        }

        _ = Task.Run(AcceptAsync);
    }

    internal const string Secret = "verysecretkey";

    internal string Endpoint { get; }

    /// <summary>The keys that every service of the tests takes; those of a service that a variable names stay.</summary>
    internal static void SetKeys()
    {
        if (Environment.GetEnvironmentVariable("AWS_ACCESS_KEY_ID") is null)
        {
            Environment.SetEnvironmentVariable("AWS_ACCESS_KEY_ID", "tests");
            Environment.SetEnvironmentVariable("AWS_SECRET_ACCESS_KEY", Secret);
        }
    }

    /// <summary>Whether it says and checks SHA-256, as AWS does and others do not.</summary>
    internal bool Checksums { get; set; } = true;

    /// <summary>What it answers to a request with SHA-256 checksums in its headers, as services before 2022 do; null takes them.</summary>
    internal (int Status, string Code)? RefusesChecksums { get; set; }

    /// <summary>What its listing shows, objects with their sizes; null for what is there.</summary>
    internal IReadOnlyDictionary<string, long>? Listing { get; set; }

    /// <summary>Whether its listing of unfinished uploads goes on to show those that were completed.</summary>
    internal bool ListsUploadsLate { get; set; }

    /// <summary>The time it tells; null for the machine's.</summary>
    internal DateTime? Clock { get; set; }

    /// <summary>What a listing would show now.</summary>
    internal IReadOnlyDictionary<string, long> Now => Objects.ToDictionary(one => one.Key, one => (long)one.Value.Content.Length);

    internal ConcurrentDictionary<string, (byte[] Content, string? Checksum, string? Hash)> Objects { get; } = new(StringComparer.Ordinal);

    internal ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>What each object, or its upload, was begun with.</summary>
    internal ConcurrentDictionary<string, NameValueCollection> Headers { get; } = new(StringComparer.Ordinal);

    internal int Unfinished => _uploads.Count;

    /// <summary>Parts of unfinished uploads.</summary>
    internal int Parts => _uploads.Values.Sum(upload => upload.Parts.Count);

    internal Func<string, Fault> Break { get; set; } = _ => Fault.None;

    internal string Uri(string path, string options = "") => $"s3://bucket/{path}?endpoint={Endpoint}{options}";

    internal int Count(string text) => Requests.Count(request => request.Contains(text, StringComparison.Ordinal));

    public void Dispose() => _listener.Close();

    private async Task AcceptAsync()
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

            _ = Task.Run(() => AnswerAsync(context));
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        var request = context.Request;
        var what = $"{request.HttpMethod} {request.Url!.AbsolutePath}{request.Url.Query}";
        Requests.Enqueue(what);
        try
        {
            using var body = new MemoryStream();
            await request.InputStream.CopyToAsync(body);
            if (Clock is { } time)
            {
                context.Response.Headers["Date"] = time.ToString("r", CultureInfo.InvariantCulture);
            }

            var fault = Break(what);
            switch (fault)
            {
                case Fault.Invalid:
                    Reply(context, 400, "<Error><Code>InvalidRequest</Code><Message>Missing Object Lock Configuration</Message></Error>");
                    return;
                case Fault.Skewed:
                    Reply(context, 403, "<Error><Code>RequestTimeTooSkewed</Code><Message>The difference between the request time and the "
                        + "current time is too large.</Message></Error>");
                    return;
                case Fault.Error500:
                    Reply(context, 500, "<Error><Code>InternalError</Code><Message>We are sorry</Message></Error>");
                    return;
                case Fault.Slow503:
                    Reply(context, 503, "<Error><Code>SlowDown</Code><Message>Reduce your request rate</Message></Error>");
                    return;
                case Fault.Cut:
                    Cut(context);
                    return;
                default:
                    Serve(context, Uri(request), body.ToArray(), fault == Fault.Late);
                    return;
            }
        }
        catch (Exception error) when (error is HttpListenerException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The client has gone.
        }
    }

    // The first part of the path is the bucket; there is one, under any name.
    private static string Uri(HttpListenerRequest request)
        => System.Uri.UnescapeDataString(request.Url!.AbsolutePath).TrimStart('/').Split('/', 2) is [_, var key] ? key : "";

    private void Serve(HttpListenerContext context, string key, byte[] body, bool late)
    {
        var query = context.Request.QueryString;
        var hash = context.Request.Headers["x-amz-meta-pgops-sha256"];
        var id = query["uploadId"];
        var names = query.AllKeys.Concat(query.GetValues(null) ?? []).ToHashSet();
        if (RefusesChecksums is var (status, code) && context.Request.Headers.AllKeys.Any(IsChecksum))
        {
            Reply(context, status, $"<Error><Code>{code}</Code><Message>A header you provided implies functionality that is not implemented"
                + "</Message></Error>");
            return;
        }

        if (context.Request.Headers["Content-MD5"] is { } told && told != Convert.ToBase64String(Convert.FromHexString(Md5(body))))
        {
            Reply(context, 400, "<Error><Code>BadDigest</Code></Error>");
            return;
        }

        if (Checksums && context.Request.Headers["x-amz-checksum-sha256"] is { } claimed && claimed != Base64(body))
        {
            Reply(context, 400, "<Error><Code>BadDigest</Code></Error>");
            return;
        }

        if (id is null && context.Request.HttpMethod is ("PUT" or "POST"))
        {
            Headers[key] = context.Request.Headers;
        }

        switch (context.Request.HttpMethod)
        {
            case "POST" when names.Contains("uploads"):
                var begun = Guid.NewGuid().ToString("N");
                _uploads[begun] = (key, new ConcurrentDictionary<int, byte[]>(), hash);
                Reply(context, 200, $"<InitiateMultipartUploadResult><Bucket>bucket</Bucket><Key>{key}</Key><UploadId>{begun}</UploadId></InitiateMultipartUploadResult>");
                return;
            case "PUT" when id is not null:
                _uploads[id].Parts[int.Parse(query["partNumber"]!, CultureInfo.InvariantCulture)] = body;
                context.Response.Headers["ETag"] = $"\"{Md5(body)}\"";
                SayChecksum(context, Base64(body));
                Reply(context, 200, "");
                return;
            case "POST" when id is not null:
                _uploads.TryRemove(id, out var done);
                var parts = done.Parts.OrderBy(part => part.Key).Select(part => part.Value).ToList();
                var composite = $"{Convert.ToBase64String(SHA256.HashData([.. parts.SelectMany(SHA256.HashData)]))}-{parts.Count}";
                Put(key, ([.. parts.SelectMany(part => part)], composite, done.Hash));
                _completed[id] = key;
                Reply(context, 200, $"<CompleteMultipartUploadResult><Key>{key}</Key><ETag>x</ETag></CompleteMultipartUploadResult>");
                return;
            case "GET" or "DELETE" when id is not null && !_uploads.ContainsKey(id):
                Reply(context, 404, "<Error><Code>NoSuchUpload</Code></Error>");
                return;
            case "DELETE" when id is not null:
                _uploads.TryRemove(id, out _);
                Reply(context, 204, "");
                return;
            case "GET" when names.Contains("uploads"):
                Reply(context, 200, "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>" + string.Concat(_uploads
                    .Select(upload => KeyValuePair.Create(upload.Key, upload.Value.Key)).Concat(ListsUploadsLate ? _completed : [])
                    .Where(upload => upload.Value.StartsWith(query["prefix"] ?? "", StringComparison.Ordinal))
                    .Select(
                        upload => $"<Upload><Key>{upload.Value}</Key><UploadId>{upload.Key}</UploadId><Initiated>2026-01-01T00:00:00.000Z</Initiated></Upload>"))
                    + "</ListMultipartUploadsResult>");
                return;
            case "GET" when id is not null:
                Reply(context, 200, "<ListPartsResult><IsTruncated>false</IsTruncated>" + string.Concat(_uploads[id].Parts.Select(part =>
                    $"<Part><PartNumber>{part.Key}</PartNumber><ETag>\"{Md5(part.Value)}\"</ETag><Size>{part.Value.Length}</Size>"
                    + (Checksums ? $"<ChecksumSHA256>{Base64(part.Value)}</ChecksumSHA256>" : "") + "</Part>")) + "</ListPartsResult>");
                return;
            case "GET" when key.Length == 0:
                Reply(context, 200, "<ListBucketResult><IsTruncated>false</IsTruncated>" + string.Concat((Listing ?? Now)
                    .Where(found => found.Key.StartsWith(query["prefix"] ?? "", StringComparison.Ordinal))
                        .OrderBy(found => found.Key, StringComparer.Ordinal)
                    .Select(
                        found => $"<Contents><Key>{found.Key}</Key><Size>{found.Value}</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"))
                    + "</ListBucketResult>");
                return;
            case "PUT":
                Put(key, (body, Base64(body), hash));
                Reply(context, 200, "");
                return;
            case "DELETE":
                Put(key, null);
                Reply(context, 204, "");
                return;
            default:
                ServeObject(context, key, late);
                return;
        }
    }

    /// <summary>Keeps an object, or none, and what it replaces.</summary>
    private void Put(string key, (byte[] Content, string? Checksum, string? Hash)? content)
    {
        _before[key] = Objects.TryGetValue(key, out var old) ? old : null;
        if (content is { } given)
        {
            Objects[key] = given;
        }
        else
        {
            Objects.TryRemove(key, out _);
        }
    }

    private static bool IsChecksum(string? header)
        => header is not null && (header.StartsWith("x-amz-checksum-", StringComparison.OrdinalIgnoreCase)
            || header.Equals("x-amz-sdk-checksum-algorithm", StringComparison.OrdinalIgnoreCase));

    private void ServeObject(HttpListenerContext context, string key, bool late)
    {
        if ((late ? _before.GetValueOrDefault(key) : Objects.TryGetValue(key, out var now) ? now : null) is not { } found)
        {
            Reply(context, 404, "<Error><Code>NoSuchKey</Code></Error>");
            return;
        }

        var response = context.Response;
        response.Headers["ETag"] = $"\"{Md5(found.Content)}\"";
        response.Headers["x-amz-meta-pgops-sha256"] = found.Hash;
        response.Headers["x-amz-object-lock-mode"] = Headers.GetValueOrDefault(key)?["x-amz-object-lock-mode"];
        SayChecksum(context, found.Checksum);
        if (context.Request.HttpMethod == "HEAD")
        {
            response.ContentLength64 = found.Content.Length;
            response.Close();
            return;
        }

        var from = context.Request.Headers["Range"] is { } range ? int.Parse(range["bytes=".Length..^1], CultureInfo.InvariantCulture) : 0;
        response.StatusCode = from > 0 ? 206 : 200;
        response.ContentLength64 = found.Content.Length - from;
        if (Break($"BODY {key}") == Fault.Cut)
        {
            response.OutputStream.Write(found.Content, from, (found.Content.Length - from) / 2);
            response.OutputStream.Flush();
            Cut(context);
            return;
        }

        response.OutputStream.Write(found.Content, from, found.Content.Length - from);
        response.Close();
    }

    private void SayChecksum(HttpListenerContext context, string? checksum)
    {
        if (Checksums && checksum is not null)
        {
            context.Response.Headers["x-amz-checksum-sha256"] = checksum;
        }
    }

    private static void Cut(HttpListenerContext context) => context.Response.Abort();

    private static void Reply(HttpListenerContext context, int status, string xml)
    {
        context.Response.StatusCode = status;
        var bytes = Encoding.UTF8.GetBytes(xml);
        context.Response.ContentType = "application/xml";
        context.Response.ContentLength64 = bytes.Length;
        context.Response.OutputStream.Write(bytes);
        context.Response.Close();
    }

    private static string Base64(byte[] bytes) => Convert.ToBase64String(SHA256.HashData(bytes));

#pragma warning disable CA5351 // S3's own ETag
    private static string Md5(byte[] bytes) => Convert.ToHexString(MD5.HashData(bytes)).ToLowerInvariant();
#pragma warning restore CA5351
}
