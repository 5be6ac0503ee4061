namespace PgOps.Core.Migrations.Scripts;

/// <summary>The kinds of migrations, and of the other rows of a history. The history holds their names in lower case.</summary>
internal enum MigrationKind
{
    /// <summary>Runs once, in the order of versions.</summary>
    Versioned,

    /// <summary>Runs again whenever it changes; its version is <c>R__</c> and its name.</summary>
    Repeatable,

    /// <summary>A seed; its version is <c>S__</c> and its name.</summary>
    Seed,

    /// <summary>No migration: the mark of a database that was adopted without files.</summary>
    Baseline,

    /// <summary>No migration: a person's word that an edited history was sealed again.</summary>
    Seal,

    /// <summary>No migration: the other tool that the history was imported from, and how the two go on.</summary>
    Adoption,
}
