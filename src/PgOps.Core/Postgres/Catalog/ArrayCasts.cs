using System.Text;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>
/// The one spelling that a dump and a restore change: <c>x IN ('a', 'b')</c> on a varchar column is first shown as
/// <c>(ARRAY['a'::character varying, …])::text[]</c>, and once restored as <c>ARRAY[('a'::character varying)::text, …]</c>. Both mean
/// the same; the second is what is compared.
/// </summary>
internal static class ArrayCasts
{
    private const string Start = "(ARRAY[";

    /// <summary>Gives every element of a cast array the cast.</summary>
    internal static string Distribute(string text)
    {
        var from = 0;
        while ((from = text.IndexOf(Start, from, StringComparison.Ordinal)) >= 0)
        {
            text = DistributeAt(text, from);
            from++;
        }

        return text;
    }

    private static string DistributeAt(string text, int start)
    {
        var elements = new List<string>();
        var first = start + Start.Length;
        var end = first;
        for (var depth = 0; end < text.Length && (depth > 0 || text[end] != ']'); end++)
        {
            switch (text[end])
            {
                case '\'' or '"':
                    end = text.IndexOf(text[end], end + 1);
                    if (end < 0)
                    {
                        return text;
                    }

                    break;
                case '(' or '[':
                    depth++;
                    break;
                case ')' or ']':
                    depth--;
                    break;
                case ',' when depth == 0:
                    elements.Add(text[first..end]);
                    first = end + 1;
                    break;
                default:
                    break;
            }
        }

        var type = end + "])::".Length;
        var stop = text.Length > type && text.AsSpan(end).StartsWith("])::") ? text.IndexOf("[]", type, StringComparison.Ordinal) : -1;
        if (stop < 0 || text.AsSpan(type, stop - type).IndexOfAnyExcept(TypeName) >= 0)
        {
            return text;
        }

        elements.Add(text[first..end]);
        var cast = new StringBuilder(text, 0, start, text.Length + 64).Append("ARRAY[");
        cast.AppendJoin(", ", elements.Select(element => $"({element.Trim()})::{text[type..stop]}"));
        return cast.Append(']').Append(text, stop + 2, text.Length - stop - 2).ToString();
    }

    private static System.Buffers.SearchValues<char> TypeName { get; } =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_. \"");
}
