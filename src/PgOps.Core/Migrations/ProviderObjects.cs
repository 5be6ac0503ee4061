namespace PgOps.Core.Migrations;

/// <summary>What a hosting provider keeps in a database of its users: its own, known by its owner.</summary>
internal static class ProviderObjects
{
    /// <summary>
    /// A condition for queries: the object of this owner in this schema is the provider's. Supabase's services have a role each
    /// (supabase_admin, supabase_auth_admin, supabase_storage_admin, …); its command line keeps its history in supabase_migrations.
    /// </summary>
    /// <param name="owner">The expression of the owner's oid.</param>
    /// <param name="schema">The expression of the schema's name.</param>
    internal static string Condition(string owner, string schema) =>
        $"""
        (pg_catalog.pg_get_userbyid({owner}) ~ '^supabase_([a-z]+_)*admin$' OR ({schema} IN ('supabase_migrations', 'pgbouncer')
            AND EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'supabase_admin')))
        """;
}
