namespace PgOps.Core.Restores.Masking;

/// <summary>A rule of the rules file.</summary>
/// <param name="Schema">Schema.</param>
/// <param name="Table">Table.</param>
/// <param name="Column">Column.</param>
/// <param name="Kind">How it is masked.</param>
/// <param name="Argument">The fixed value as text, or the expression.</param>
internal sealed record MaskRule(string Schema, string Table, string Column, MaskKind Kind, string? Argument = null)
{
    /// <summary>Rules whose result is a function of the value and the key, and so the same in every table.</summary>
    internal bool IsFunction => Kind is MaskKind.Name or MaskKind.Email or MaskKind.Phone or MaskKind.Hash;

    /// <summary>The rule's word in the file.</summary>
    internal string Word => Kind.ToString().ToLowerInvariant();

    /// <inheritdoc/>
    public override string ToString() => $"{SqlName.Show(Schema)}.{SqlName.Show(Table)}.{SqlName.Show(Column)}";
}
