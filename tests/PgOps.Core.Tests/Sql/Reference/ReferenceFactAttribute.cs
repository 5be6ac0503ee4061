namespace PgOps.Core.Tests.Sql.Reference;

/// <summary>A comparison with PostgreSQL's own code, skipped where the variable does not say where that is.</summary>
public sealed class ReferenceFactAttribute : FactAttribute
{
    /// <summary>The node_modules folder that holds the npm package libpg-query.</summary>
    public const string LibpgQuery = "PGOPS_LIBPG_QUERY";

    /// <summary>A folder of SQL files, for instance PostgreSQL's src/test/regress/sql; psql must be on the PATH.</summary>
    public const string PostgresSource = "PGOPS_POSTGRES_SOURCE";

    public ReferenceFactAttribute(string variable)
    {
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(variable)))
        {
            Skip = $"{variable} is not set: it names what this comparison needs (see Sql/Reference).";
        }
    }
}
