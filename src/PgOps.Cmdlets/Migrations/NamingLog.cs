using Microsoft.Extensions.Logging;

namespace PgOps.Cmdlets.Migrations;

/// <summary>Log messages: names of new migrations. docs/log-format.md lists them.</summary>
internal static partial class NamingLog
{
    [LoggerMessage(10001, LogLevel.Warning, "{Warning}")]
    internal static partial void NameWarned(this ILogger log, string warning);
}
