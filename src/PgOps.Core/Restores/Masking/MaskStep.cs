namespace PgOps.Core.Restores.Masking;

/// <summary>A column and what becomes of it.</summary>
/// <param name="Column">The column.</param>
/// <param name="Rule">Its rule, or the one that a foreign key brings.</param>
/// <param name="Follows">The column whose rule it is; null for its own.</param>
/// <param name="Length">Characters that fit in it and in every column that a foreign key ties to it; null without a limit.</param>
/// <param name="Unique">Whether its values, or those of a column tied to it, must stay different.</param>
internal sealed record MaskStep(MaskColumn Column, MaskRule Rule, MaskColumn? Follows, int? Length, bool Unique);
