using PgOps.Core.Postgres.ClientTools;

namespace PgOps.Core.Tests.Support;

/// <summary>A test that needs PostgreSQL's server programs: skipped with a reason where there are none, failed in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PostgresFactAttribute : FactAttribute
{
    public PostgresFactAttribute()
    {
        Skip = PostgresAvailability.SkipReason;
    }
}

/// <summary>A theory that needs PostgreSQL's server programs.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PostgresTheoryAttribute : TheoryAttribute
{
    public PostgresTheoryAttribute()
    {
        Skip = PostgresAvailability.SkipReason;
    }
}

/// <summary>A test of what only Linux has: sessions, signals, file modes.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LinuxPostgresFactAttribute : FactAttribute
{
    public LinuxPostgresFactAttribute()
    {
        Skip = OperatingSystem.IsLinux() ? PostgresAvailability.SkipReason : "only on Linux";
    }
}

internal static class PostgresAvailability
{
    internal static string? SkipReason { get; } = Find();

    private static string? Find()
    {
        try
        {
            PostgresBinaries.Server();
            return null;
        }
        catch (PgOpsException missing) when (Environment.GetEnvironmentVariable("CI") is null)
        {
            return missing.Message.ReplaceLineEndings(" ");
        }
        catch (PgOpsException)
        {
            // In CI the tests run, and fail with the reason.
            return null;
        }
    }
}
