using System.Globalization;
using System.Net;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using PgOps.Core.Common.Streams;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Repository.Storage;

/// <summary>Makes the client of an S3 service from a URI's options, and PgOps' errors from the client's.</summary>
internal static class S3Service
{
    private const int Retries = 5;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>Makes a client. Keys come from where AWS' own tools have them: environment, profile, the machine's role.</summary>
    internal static AmazonS3Client Connect(StoreUri uri, Throttle throttle, int largestRequest)
    {
        var options = uri.Options;
        var endpoint = options.GetValueOrDefault("endpoint");
        var config = new AmazonS3Config
        {
            ForcePathStyle = Flag(options, "pathstyle") ?? endpoint is not null,
            RetryMode = RequestRetryMode.Standard,
            // PgOps sends SHA-256; services other than AWS' stumble over further checksums in trailers.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            HttpClientFactory = new ThrottledHttp(throttle, largestRequest, Patience),
        };
        if (Environment.GetEnvironmentVariable("AWS_MAX_ATTEMPTS") is null)
        {
            config.MaxErrorRetry = Retries;
        }

        if (options.GetValueOrDefault("profile") is { } profile)
        {
            config.Profile = new Profile(profile);
        }

        var region = options.GetValueOrDefault("region");
        if (endpoint is not null)
        {
            config.ServiceURL = endpoint;
            config.AuthenticationRegion = region ?? Environment.GetEnvironmentVariable("AWS_REGION") ?? "us-east-1";
        }
        else if (region is not null)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }

        try
        {
            return new AmazonS3Client(config);
        }
        catch (AmazonClientException error)
        {
            throw new PgOpsException(
                PgErrorCode.StoreInvalid,
                $"{uri} cannot be opened: {error.Message}",
                nextStep: "Name the region (?region=…), or the endpoint of a service other than AWS (?endpoint=http://host:port).",
                innerException: error);
        }
    }

    /// <summary>What every new object gets: encryption and lock.</summary>
    internal static ObjectSettings Settings(StoreUri uri)
    {
        var options = uri.Options;
        var encryption = options.GetValueOrDefault("sse") switch
        {
            null => (ServerSideEncryptionMethod?)null,
            "AES256" => ServerSideEncryptionMethod.AES256,
            "aws:kms" => ServerSideEncryptionMethod.AWSKMS,
            _ => throw Invalid("sse is neither AES256 nor aws:kms."),
        };
        if (options.ContainsKey("ssekey") && encryption != ServerSideEncryptionMethod.AWSKMS)
        {
            throw Invalid("ssekey, the id of a KMS key, goes with sse=aws:kms.");
        }

        var mode = options.GetValueOrDefault("lock")?.ToUpperInvariant() switch
        {
            null => (ObjectLockMode?)null,
            "GOVERNANCE" => ObjectLockMode.Governance,
            "COMPLIANCE" => ObjectLockMode.Compliance,
            _ => throw Invalid("lock is neither GOVERNANCE nor COMPLIANCE."),
        };
        return (mode is null) == options.ContainsKey("retain")
            ? throw Invalid("lock and retain go together: the mode, and for how many days or until which date.")
            : new ObjectSettings(
                encryption, options.GetValueOrDefault("ssekey"), mode, mode is null ? null : RetainUntil(options["retain"]));
    }

    /// <summary>PgOps' error of what went wrong with a service.</summary>
    /// <param name="uri">The place.</param>
    /// <param name="error">The client's error.</param>
    /// <param name="name">The file it was about.</param>
    internal static PgOpsException Error(StoreUri uri, Exception error, string name)
    {
        var place = name.Length == 0 ? uri : uri.Child(name);
        var service = error as AmazonServiceException;
        if (service is { StatusCode: HttpStatusCode.NotFound } && service.ErrorCode != "NoSuchUpload")
        {
            return new PgOpsException(
                PgErrorCode.PathNotFound,
                service.ErrorCode == "NoSuchBucket" ? $"There is no bucket {uri.Root}." : $"There is nothing at {place}.",
                nextStep: service.ErrorCode == "NoSuchBucket"
                    ? "Create it, or correct the URI and its endpoint."
                    : "Get-PgBackup lists the backups of a store.",
                innerException: error);
        }

        if (service is { ErrorCode: "RequestTimeTooSkewed" })
        {
            return ServiceClock.Error(place, service, DateTime.UtcNow);
        }

        if (service is { StatusCode: HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized })
        {
            return new PgOpsException(
                PgErrorCode.PermissionDenied,
                $"{place}: the service refuses: {Said(service)}{ServiceClock.Remark(service, DateTime.UtcNow)}",
                nextStep: "Check the keys in the environment or the profile, "
                    + "what they may do in this bucket, and whether the object is locked.",
                innerException: error);
        }

        var noKeys = service is null && error is AmazonClientException && UncodedMessages.IsWithoutCredentials(error.Message);
        return new PgOpsException(
            PgErrorCode.StoreFailed,
            $"{place}: {(noKeys ? "there are no AWS credentials in the environment, in a profile, or of this machine."
                : service is null ? Innermost(error) : $"the service answers {(int)service.StatusCode}: {Said(service)}")}",
            nextStep: noKeys
                ? "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile (?profile=…)."
                : service is { StatusCode: HttpStatusCode.BadRequest, ErrorCode: not "RequestTimeout" }
                ? "The same request will be refused again: correct what the URI or the parameters ask of the service, then try again."
                : "It was tried several times, with growing pauses. "
                    + "Look after the service, then try again: what has arrived is not sent twice.",
            innerException: error);
    }

    /// <summary>Whether an error comes from the service or the way to it.</summary>
    internal static bool IsService(Exception error)
        => error is AmazonServiceException or AmazonClientException or HttpRequestException or IOException or WebException or TimeoutException or TaskCanceledException;

    /// <summary>
    /// Whether a service may have refused a request for the checksum in its headers, which came to S3 in 2022: it answers 501, or 400 with
    /// one of these codes; the answer to a HEAD has no code of its own.
    /// </summary>
    internal static bool IsAboutHeaders(AmazonServiceException error)
        => error.StatusCode == HttpStatusCode.NotImplemented
            || (error.StatusCode == HttpStatusCode.BadRequest
                && error.ErrorCode is null or "" or "BadRequest" or "NotImplemented" or "InvalidArgument" or "InvalidRequest");

    private static string Said(AmazonServiceException error)
        => error.Message.Length == 0 ? error.ErrorCode ?? "no reason" : $"{error.ErrorCode} {error.Message}".Trim();

    private static string Innermost(Exception error)
    {
        var messages = new List<string>();
        for (var cause = error; cause is not null; cause = cause.InnerException)
        {
            messages.Add(cause.Message.TrimEnd('.'));
        }

        return string.Join(": ", messages.Distinct().TakeLast(2)) + ".";
    }

    private static bool? Flag(IReadOnlyDictionary<string, string> options, string name)
        => options.TryGetValue(name, out var text)
            ? bool.TryParse(text, out var value) ? value : throw Invalid($"{name} is neither true nor false.")
            : null;

    private static DateTime RetainUntil(string text)
        => int.TryParse(
            text, NumberStyles.None, CultureInfo.InvariantCulture, out var days) && days is > 0 and < 36_500 ? DateTime.UtcNow.AddDays(days)
            : DateTime.TryParseExact(
                text,
                "yyyy-MM-dd",
                CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
                out var date)
                && date > DateTime.UtcNow ? date
            : throw Invalid("retain is neither a number of days nor a date to come (yyyy-MM-dd).");

    private static PgOpsException Invalid(string problem)
        => new(PgErrorCode.StoreInvalid, $"The S3 URI cannot be used: {problem}", nextStep: "Correct the URI.");
}
