namespace PgOps.Core.Migrations.Adoption;

/// <summary>How PgOps and the tool that a history was imported from go on. The history holds the names in lower case.</summary>
internal enum AdoptionMode
{
    /// <summary>PgOps alone; what the other tool does from then on is a mistake.</summary>
    Moved,

    /// <summary>Both: PgOps takes in what the other tool did, and keeps the other tool's table.</summary>
    Beside,
}
