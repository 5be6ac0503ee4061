using Microsoft.Extensions.Logging;

namespace PgOps.Core.Repository.Storage;

/// <summary>Log messages: stores. docs/log-format.md lists them.</summary>
internal static partial class StorageLog
{
    [LoggerMessage(
        3101, LogLevel.Debug,
        "{Store}: the service refuses SHA-256 checksums in headers ({Status} {Code}): it gets MD5, and what it holds is read back.")]
    internal static partial void ChecksumsRefused(this ILogger log, string store, int status, string code);
}
