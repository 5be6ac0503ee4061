using PgOps.Core.Postgres.ClientTools;

namespace PgOps.Core.Tests.Support;

/// <summary>A test that needs PostgreSQL's programs and age.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class AgeFactAttribute : FactAttribute
{
    public AgeFactAttribute()
    {
        Skip = SkipReason;
    }

    internal static string? SkipReason
        => ProgramSearch.OnPath("age-keygen") is null ? "age is not installed" : PostgresAvailability.SkipReason;
}

/// <summary>A theory that needs PostgreSQL's programs and age.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class AgeTheoryAttribute : TheoryAttribute
{
    public AgeTheoryAttribute()
    {
        Skip = AgeFactAttribute.SkipReason;
    }
}
