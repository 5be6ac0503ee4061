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

    // The mark of manifests that were made before SelectAliases were left out; null where it is the same.
    private string? _earlier;

    /// <summary>Whether the definition holds a query.</summary>
    internal bool HoldsQuery => Mark.StartsWith(Query);

    /// <summary>Makes one from its definition as the server writes it.</summary>
    internal static SchemaObject Of(string definition, bool holdsQuery)
    {
        var text = ArrayCasts.Distribute(definition);
        if (!holdsQuery)
        {
            return new SchemaObject(DigestOf(text), definition);
        }

        var nameless = SelectAliases.LeaveOut(text);
        return new SchemaObject(Query + DigestOf(nameless), definition)
        {
            _earlier = nameless == text ? null : Query + DigestOf(text),
        };
    }

    /// <summary>Whether the definitions are equal.</summary>
    internal bool Is(SchemaObject other)
        => Mark == other.Mark || (_earlier ?? Mark) == other.Mark || Mark == (other._earlier ?? other.Mark);

    private static string DigestOf(string text) => Hex.Of(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..Digits];
}
