using System.Text.RegularExpressions;

namespace PgOps.Core.Repository;

/// <summary>
/// A backup's label: a short plain name, so that it does no harm in a table, a message, a path or a command, whoever wrote the manifest.
/// </summary>
internal static partial class BackupLabel
{
    /// <summary>Whether a text is one.</summary>
    internal static bool IsPlain(string text) => Name().IsMatch(text);

    /// <summary>Refuses what is none.</summary>
    /// <exception cref="PgOpsException">InvalidArgument.</exception>
    internal static void Require(string? label)
    {
        if (label is not null && !IsPlain(label))
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                "The label is not a plain name.",
                "Nothing was written.",
                "Take up to 63 of a to z, A to Z, 0 to 9, '.', '_' and '-', beginning with a letter or digit: pre-migration.");
        }
    }

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]{0,62}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Name();
}
