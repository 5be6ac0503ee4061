using PgOps.Core.Sql;

namespace PgOps.Core.Restores.Masking;

/// <summary>Names as a person writes them.</summary>
internal static class SqlName
{
    /// <summary>The name, quoted only where it must be.</summary>
    internal static string Show(string name)
        => name.Length > 0 && name.All(letter => letter is '_' or (>= 'a' and <= 'z') or (>= '0' and <= '9')) && !char.IsAsciiDigit(name[0])
            ? name
            : Quote.Identifier(name);
}
