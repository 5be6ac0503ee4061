using System.Globalization;
using System.Text.RegularExpressions;

namespace PgOps.Core.Sql;

/// <summary>
/// Follows a statement that code puts together, <c>format('… PASSWORD %L', 'x')</c> or <c>'… PASSWORD ' || quote_literal('x')</c>: which
/// literal, or which variable, its password comes from.
/// </summary>
internal sealed partial class ComposedPassword
{
    private readonly Stack<(bool Format, HashSet<int>? Places, int Argument)> _calls = new();
    private bool _formatAhead;
    private bool _ahead;
    private bool _joined;
    private bool _named;

    /// <summary>The variables that passwords come from, in upper case.</summary>
    internal HashSet<string> Variables { get; } = new(StringComparer.Ordinal);

    /// <summary>Takes a string of the code.</summary>
    /// <param name="literal">What stands in it.</param>
    /// <returns>Whether it is a password.</returns>
    internal bool Is(ReadOnlySpan<char> literal)
    {
        if (IsPlace())
        {
            (_ahead, _joined) = (false, false);
            return true;
        }

        if (_calls.TryPeek(out var call) && call is { Format: true, Argument: 0, Places: null })
        {
            _calls.Pop();
            _calls.Push((true, PlacesOf(literal), 0));
        }

        (_ahead, _joined) = (Ahead().IsMatch(literal), false);
        return false;
    }

    /// <summary>Takes what is no string.</summary>
    internal void Take(ReadOnlySpan<char> word)
    {
        if (word is "||")
        {
            _joined |= _ahead;
        }
        else if (word is "(")
        {
            _calls.Push((_formatAhead, null, 0));
        }
        else if (word is ")")
        {
            _calls.TryPop(out _);
        }
        else if (word is "," && _calls.TryPop(out var call))
        {
            _calls.Push(call with { Argument = call.Argument + 1 });
            (_ahead, _joined, _named) = (false, false, false);
        }
        else if (word is ";")
        {
            _calls.Clear();
            (_ahead, _joined, _named) = (false, false, false);
        }
        else if (word is not "." && !Passing().IsMatch(word))
        {
            // The first name of an argument; what follows it is a cast or an operator.
            if (IsPlace() && !_named && (char.IsLetter(word[0]) || word[0] == '_'))
            {
                Variables.Add(word.ToString().ToUpperInvariant());
                _named = !_joined;
            }

            (_ahead, _joined) = (false, false);
        }

        _formatAhead = word.Equals("format", StringComparison.OrdinalIgnoreCase);
    }

    // Within format's own call, or within a function there that quotes what goes into it: format('…', quote_literal('x')).
    private bool IsPlace() => _joined || _calls.Any(call => call.Places?.Contains(call.Argument) == true);

    private static HashSet<int> PlacesOf(ReadOnlySpan<char> format)
    {
        var places = new HashSet<int>();
        var text = format.ToString();
        var next = 1;
        foreach (Match mark in Mark().Matches(text))
        {
            if (mark.Groups["place"] is { Success: true } named)
            {
                next = int.Parse(named.ValueSpan, CultureInfo.InvariantCulture);
            }

            if (Ahead().IsMatch(text.AsSpan(0, mark.Index)))
            {
                places.Add(next);
            }

            next++;
        }

        return places;
    }

    [GeneratedRegex(@"(?<!%)(?:%%)*%(?:(?<place>[0-9]{1,4})\$)?-?[0-9]*[sIL]", RegexOptions.CultureInvariant)]
    private static partial Regex Mark();

    [GeneratedRegex(@"\bpassword\s*=?\s*E?['\\]*$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Ahead();

    [GeneratedRegex(
        "^(?:quote_literal|quote_nullable|format|pg_catalog|coalesce|concat)$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Passing();
}
