namespace PgOps.Core.Common.Text;

/// <summary>Commands in messages, which a person copies into PowerShell.</summary>
internal static class CommandText
{
    /// <summary>A path or name as an argument: in quotes, so that a blank or a quote in it does no harm.</summary>
    /// <param name="text">The path or name.</param>
    internal static string Argument(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";
}
