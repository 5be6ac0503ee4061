using PgOps.Core.ClientTools;
using PgOps.Core.Tests.Peers;

namespace PgOps.Core.Tests.Sandbox;

/// <summary>A test that needs PostgreSQL's server programs: skipped with a reason where there are none, failed in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PostgresFactAttribute() : NeedsFactAttribute(PostgresAvailability.Missing);

/// <summary>A theory that needs PostgreSQL's server programs.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PostgresTheoryAttribute() : NeedsTheoryAttribute(PostgresAvailability.Missing);

/// <summary>A test of what only Linux has: sessions, signals, file modes.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LinuxPostgresFactAttribute() : NeedsFactAttribute(PostgresAvailability.Missing, PostgresAvailability.OnlyOnLinux);

internal static class PostgresAvailability
{
    /// <summary>Why no server can be started; null when one can.</summary>
    internal static string? Missing { get; } = Find();

    /// <summary>What a fixture asks before it starts a server. In CI it tries, and says why it cannot.</summary>
    internal static string? SkipReason => Needs.Strict ? null : Missing;

    /// <summary>For sessions, signals, file modes.</summary>
    internal static string? OnlyOnLinux { get; } = OperatingSystem.IsLinux() ? null : "only on Linux";

    private static string? Find()
    {
        try
        {
            PostgresBinaries.Server();
            return null;
        }
        catch (PgOpsException missing)
        {
            return missing.Message.ReplaceLineEndings(" ");
        }
    }
}
