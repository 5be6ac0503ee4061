using PgOps.Core.Sql;

namespace PgOps.Core.Restores.Masking;

/// <summary>How a column is masked.</summary>
internal enum MaskKind
{
    /// <summary>Stays as it is: somebody has looked at it.</summary>
    Keep,

    /// <summary>An invented name of a person.</summary>
    Name,

    /// <summary>An address below example.invalid.</summary>
    Email,

    /// <summary>A number below the country code 999, which nobody has.</summary>
    Phone,

    /// <summary>NULL.</summary>
    Null,

    /// <summary>A keyed hash of the value.</summary>
    Hash,

    /// <summary>The value of another row.</summary>
    Shuffle,

    /// <summary>The same value everywhere.</summary>
    Fixed,

    /// <summary>An SQL expression over the row.</summary>
    Expression,
}

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

/// <summary>Names as a person writes them.</summary>
internal static class SqlName
{
    /// <summary>The name, quoted only where it must be.</summary>
    internal static string Show(string name)
        => name.Length > 0 && name.All(letter => letter is '_' or (>= 'a' and <= 'z') or (>= '0' and <= '9')) && !char.IsAsciiDigit(name[0])
            ? name
            : Quote.Identifier(name);
}
