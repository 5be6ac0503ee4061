namespace PgOps.Core.Postgres.Catalog;

/// <summary>A setting of a database.</summary>
/// <param name="Text"><c>name=value</c>, as pg_db_role_setting holds it.</param>
/// <param name="Role">The role that it is for in this database; null for every role.</param>
internal readonly record struct DatabaseSetting(string Text, string? Role)
{
    /// <summary>Those that a backup has recorded.</summary>
    /// <param name="facts">What the manifest says of the database.</param>
    internal static IReadOnlyList<DatabaseSetting> Of(PgDatabaseFacts facts)
        => [.. facts.Settings.Select(setting => new DatabaseSetting(setting, null))];

    /// <summary>Those that single roles have in it.</summary>
    /// <param name="facts">What the manifest says of the database.</param>
    /// <param name="roles">Which role takes the place of which; null when all stay.</param>
    internal static IEnumerable<DatabaseSetting> OfRoles(PgDatabaseFacts facts, RoleMap? roles)
        => facts.RoleSettings.Select(one => new DatabaseSetting(one.Setting, roles?[one.Role] ?? one.Role));

    /// <summary>Whether it comes before the rows: one of a role concerns the sessions of that role alone.</summary>
    internal bool IsEarly => Role is null && EarlySettings.Includes(Text);

    /// <inheritdoc/>
    public override string ToString() => Role is null ? Text : $"{Text} for {Role}";
}
