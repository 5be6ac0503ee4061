namespace PgOps.Core.Sql;

/// <summary>
/// Quotes identifiers and literals as PostgreSQL's quote_ident and quote_literal do; always quotes, so no keyword list ages.
/// </summary>
internal static class Quote
{
    /// <summary>A quoted identifier.</summary>
    /// <param name="name">The name as the catalog holds it.</param>
    /// <returns>For example <c>"order ""x"""</c>.</returns>
    public static string Identifier(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }

    /// <summary>A schema-qualified, quoted name.</summary>
    /// <param name="schema">The schema.</param>
    /// <param name="name">The object.</param>
    /// <returns>For example <c>"public"."orders"</c>.</returns>
    public static string Qualified(string schema, string name) => $"{Identifier(schema)}.{Identifier(name)}";

    /// <summary>A string literal, safe under both settings of standard_conforming_strings.</summary>
    /// <param name="text">The text.</param>
    /// <returns>For example <c>'it''s'</c>.</returns>
    public static string Literal(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var doubled = text.Replace("'", "''", StringComparison.Ordinal);
        return doubled.Contains('\\', StringComparison.Ordinal)
            ? $" E'{doubled.Replace("\\", "\\\\", StringComparison.Ordinal)}'"
            : $"'{doubled}'";
    }
}
