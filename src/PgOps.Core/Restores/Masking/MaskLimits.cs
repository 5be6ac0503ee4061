namespace PgOps.Core.Restores.Masking;

/// <summary>Which rule a column can take, and how long the masks in it are.</summary>
internal static class MaskLimits
{
    /// <summary>The domain of invented addresses: reserved, so that no mail leaves (RFC 2606).</summary>
    internal const string Domain = "@example.invalid";

    /// <summary>The country code of invented numbers: unassigned (ITU-T E.164).</summary>
    internal const string Prefix = "+999";

    /// <summary>Characters that keep invented names of a unique column apart.</summary>
    internal const int Apart = 12;

    private const int EmailDigits = 20;
    private const int HashDigits = 32;
    private const int FewestHashDigits = 8;
    private const int UniqueHashDigits = 16;
    private const int PhoneDigits = 11;
    private const int FewestPhoneDigits = 6;
    private const int UniquePhoneDigits = 16;
    private const int FewestUniquePhoneDigits = 14;
    private const int FewestEmailDigits = 4;

    /// <summary>Hexadecimal digits of an invented address.</summary>
    internal static int EmailLength(MaskStep step) => Math.Min(EmailDigits, (step.Length ?? int.MaxValue) - Domain.Length - 1);

    /// <summary>Digits behind the country code.</summary>
    internal static int PhoneLength(MaskStep step)
        => Math.Min(step.Unique ? UniquePhoneDigits : PhoneDigits, (step.Length ?? int.MaxValue) - Prefix.Length);

    /// <summary>Hexadecimal digits of a hash in a text.</summary>
    internal static int HashLength(MaskStep step) => Math.Min(HashDigits, step.Length ?? HashDigits);

    /// <summary>What a hash in the column looks like; null when there is none for its type.</summary>
    internal static string? HashClass(MaskColumn column) => column switch
    {
        { IsText: true } => "text",
        { Type: "uuid" or "bytea" or "bigint" or "integer" } => column.Type,
        _ => null,
    };

    /// <summary>Why the rule does not fit the column.</summary>
    internal static IEnumerable<string> Problems(MaskStep step)
    {
        var column = step.Column;
        var why = step.Rule.Kind switch
        {
            MaskKind.Name or MaskKind.Email or MaskKind.Phone when !column.IsText
                => $"{step.Rule.Word} needs a text, the column is {column.DeclaredType}: use null, shuffle or an expression",
            MaskKind.Email when EmailLength(step) < (step.Unique ? Apart : FewestEmailDigits) => Short(step),
            MaskKind.Phone when PhoneLength(step) < (step.Unique ? FewestUniquePhoneDigits : FewestPhoneDigits) => Short(step),
            MaskKind.Name when step.Unique && step.Length <= Apart + 1 => Short(step),
            MaskKind.Hash when HashClass(column) is null =>
                $"there is no hash of {column.DeclaredType}: use null, shuffle or an expression",
            MaskKind.Hash when column.IsText && HashLength(step) < (step.Unique ? UniqueHashDigits : FewestHashDigits) => Short(step),
            MaskKind.Hash when column.Type == "integer" && step.Unique
                => "hashes of 30 bits do not stay different: leave a number that says nothing of anybody, or use an expression",
            MaskKind.Null when column.NotNull => "the column is NOT NULL: use fixed, or an invented value",
            MaskKind.Shuffle when step.Unique
                => "the column is in a unique index, and values that change places collide on the way: use hash, or an invented value",
            MaskKind.Fixed when column.UniqueAlone => "the column is unique: use hash, or an invented value",
            _ => null,
        };
        if (why is not null)
        {
            yield return $"{column}: {why}";
        }
    }

    private static string Short(MaskStep step) => $"{PgAmount.Of(step.Length ?? 0, "character")} {(step.Length == 1 ? "is" : "are")} "
        + $"too few for {step.Rule.Word}" + (step.Unique
            ? " in a unique column"
            : "") + (step.Rule.Kind == MaskKind.Hash ? "" : ": try hash") + ", or use null, fixed or an expression";
}
