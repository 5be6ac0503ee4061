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
