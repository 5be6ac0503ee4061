using System.Security.Cryptography;
using System.Text;
using PgOps.Core.Common.Hashes;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>One object of a schema, told by the hash of its definition.</summary>
/// <param name="Mark">
/// The first 16 hex digits of the SHA-256 of the definition, with <c>~</c> before it where the definition holds a query: its text is
/// comparable only between servers of one major version.
/// </param>
/// <param name="Definition">The definition; null where only the mark is known.</param>
internal sealed record SchemaObject(string Mark, string? Definition)
{
    private const int Digits = 16;
    private const char Query = '~';

    /// <summary>Whether the definition holds a query.</summary>
    internal bool HoldsQuery => Mark.StartsWith(Query);

    /// <summary>Makes one from its definition as the server writes it.</summary>
    internal static SchemaObject Of(string definition, bool holdsQuery)
    {
        var text = ArrayCasts.Distribute(definition);
        var digest = Hex.Of(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..Digits];
        return new SchemaObject(holdsQuery ? Query + digest : digest, definition);
    }

    /// <summary>Whether the definitions are equal.</summary>
    internal bool Is(SchemaObject other) => Mark == other.Mark;
}
