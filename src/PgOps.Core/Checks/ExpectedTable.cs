namespace PgOps.Core.Checks;

/// <summary>A table or view that must be there.</summary>
/// <param name="Schema">Its schema.</param>
/// <param name="Name">Its name.</param>
/// <param name="Columns">Columns that must be there, with their types; null where any type will do.</param>
/// <param name="Policies">Policies that must be there.</param>
/// <param name="RowSecurity">Whether row-level security must be on or off; null where that does not matter.</param>
internal sealed record ExpectedTable(
    string Schema, string Name, IReadOnlyDictionary<string, string?> Columns, IReadOnlyList<string> Policies, bool? RowSecurity);
