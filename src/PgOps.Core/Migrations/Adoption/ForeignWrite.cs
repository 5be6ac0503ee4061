namespace PgOps.Core.Migrations.Adoption;

/// <summary>A statement that changes another tool's table as that tool would.</summary>
/// <param name="Text">
/// INSERT, UPDATE or DELETE, with $2 and further for the values; h is the row of PgOps' own history on the same migration.
/// </param>
/// <param name="Values">The values, from $2 on.</param>
/// <param name="MayDoNothing">Whether it is as well when it changes no row.</param>
internal sealed record ForeignWrite(string Text, IReadOnlyList<object> Values, bool MayDoNothing = false);
