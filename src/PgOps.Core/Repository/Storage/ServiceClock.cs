using System.Globalization;
using Amazon.Runtime;
using Amazon.Runtime.Internal;

namespace PgOps.Core.Repository.Storage;

/// <summary>
/// The clock of an S3 service beside this machine's. A request is signed with its time, and a service refuses one that differs from its own
/// by more than a quarter of an hour (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
/// </summary>
internal static class ServiceClock
{
    private static readonly TimeSpan Noticeable = TimeSpan.FromMinutes(5);

    private static string HowToSet => OperatingSystem.IsWindows() ? "w32tm /resync" : "sudo timedatectl set-ntp true";

    /// <summary>The error of a request that was refused for its time.</summary>
    /// <param name="place">What it was about.</param>
    /// <param name="error">The service's answer.</param>
    /// <param name="now">This machine's time.</param>
    internal static PgOpsException Error(StoreUri place, AmazonServiceException error, DateTime now) => new(
        PgErrorCode.StoreFailed,
        $"{place}: the service refuses this machine's requests for their time: it is {Text(now)} here, "
            + (Told(error) is { } there
                ? $"{Text(there)} at the service, {Apart(there, now)} {(there > now ? "later" : "earlier")}."
                : "and the service does not tell its own time."),
        nextStep: $"Set this machine's clock ({HowToSet}), then run the command again.",
        innerException: error);

    /// <summary>What to add to another refusal where the clocks differ, too; empty where they agree or none is told.</summary>
    internal static string Remark(AmazonServiceException error, DateTime now)
        => Told(error) is { } there && (now - there).Duration() > Noticeable
            ? $" (this machine's clock and the service's are {Apart(there, now)} apart, too)"
            : "";

    private static DateTime? Told(AmazonServiceException error)
        => error.InnerException is HttpErrorResponseException { Response: { } response }
            && DateTime.TryParseExact(
                response.GetHeaderValue("Date"), "r", CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? time
            : null;

    private static string Apart(DateTime one, DateTime other) => PgSize.Format((one - other).Duration());

    private static string Text(DateTime time) => time.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
