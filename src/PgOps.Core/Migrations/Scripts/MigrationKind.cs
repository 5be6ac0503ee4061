namespace PgOps.Core.Migrations.Scripts;

/// <summary>The kinds of migrations, in the history's words.</summary>
internal static class MigrationKind
{
    /// <summary>The kind of a migration that runs once, in the order of versions.</summary>
    internal const string Versioned = "versioned";

    /// <summary>The kind of a script that runs again whenever it changes; its version is <c>R__</c> and its name.</summary>
    internal const string Repeatable = "repeatable";

    /// <summary>The kind of a seed; its version is <c>S__</c> and its name.</summary>
    internal const string Seed = "seed";
}
