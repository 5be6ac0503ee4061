namespace PgOps.Core.Sql;

/// <summary>
/// Follows a statement's tokens and says whether a semicolon ends it, as psql does (src/fe_utils/psqlscan.l): outside parentheses and
/// <c>BEGIN ATOMIC</c> bodies.
/// </summary>
internal sealed class StatementBounds
{
    private RoutineHead _head;
    private Word _previous;

    /// <summary>How much of CREATE [OR REPLACE] {FUNCTION | PROCEDURE} the statement has shown.</summary>
    private enum RoutineHead
    {
        Nothing,
        Create,
        CreateOr,
        CreateOrReplace,
        Routine,
        OtherStatement,
    }

    /// <summary>What the token before was, as far as it matters for a routine's body.</summary>
    private enum Word
    {
        Other,
        Begin,
        Atomic,
        Semicolon,
    }

    /// <summary>Parentheses that are open.</summary>
    public int Parentheses { get; private set; }

    /// <summary>Bodies that are open.</summary>
    public int Bodies { get; private set; }

    /// <summary>Whether this token is a semicolon that ends the statement.</summary>
    public bool IsEnd(SqlTokenKind kind, ReadOnlySpan<char> token) =>
        kind == SqlTokenKind.Punctuation && token[0] == ';' && Parentheses == 0 && Bodies == 0;

    /// <summary>Takes a token that does not end the statement.</summary>
    public void Take(SqlTokenKind kind, ReadOnlySpan<char> token)
    {
        if (kind == SqlTokenKind.Punctuation)
        {
            Parentheses += token[0] switch
            {
                '(' => 1,
                ')' when Parentheses > 0 => -1,
                _ => 0,
            };
            _head = _head < RoutineHead.Routine ? RoutineHead.OtherStatement : _head;
            _previous = token[0] == ';' ? Word.Semicolon : Word.Other;
            return;
        }

        var word = kind == SqlTokenKind.Word ? token : default;
        if (_head < RoutineHead.Routine)
        {
            _head = Next(word);
        }

        _previous = _head == RoutineHead.Routine ? TakeRoutineWord(word) : Word.Other;
    }

    /// <summary>Begins a new statement.</summary>
    public void Reset()
    {
        _head = RoutineHead.Nothing;
        _previous = Word.Other;
        Abandon();
    }

    /// <summary>Forgets what is open: the rest of the script belongs to a literal that does not end.</summary>
    public void Abandon() => Parentheses = Bodies = 0;

    private static bool Is(ReadOnlySpan<char> word, string keyword) => word.Equals(keyword, StringComparison.OrdinalIgnoreCase);

    private RoutineHead Next(ReadOnlySpan<char> word) => _head switch
    {
        RoutineHead.Nothing when Is(word, "CREATE") => RoutineHead.Create,
        RoutineHead.Create when Is(word, "OR") => RoutineHead.CreateOr,
        RoutineHead.CreateOr when Is(word, "REPLACE") => RoutineHead.CreateOrReplace,
        RoutineHead.Create or RoutineHead.CreateOrReplace when Is(word, "FUNCTION") || Is(word, "PROCEDURE") => RoutineHead.Routine,
        _ => RoutineHead.OtherStatement,
    };

    /// <summary>
    /// psqlscan.l counts CASE and END. The grammar needs no counting: every statement of a body ends with a semicolon, and no
    /// semicolon stands within CASE ... END, so the body's END is the one behind a semicolon (or behind ATOMIC, in an empty body).
    /// Bodies nest: the parser takes a CREATE FUNCTION within one, even if the server then refuses it.
    /// </summary>
    private Word TakeRoutineWord(ReadOnlySpan<char> word)
    {
        if (Is(word, "BEGIN"))
        {
            return Word.Begin;
        }

        var isAtomic = Is(word, "ATOMIC");
        if (Parentheses == 0)
        {
            if (isAtomic && _previous == Word.Begin)
            {
                Bodies++;
            }
            else if (Bodies > 0 && _previous is Word.Semicolon or Word.Atomic && Is(word, "END"))
            {
                Bodies--;
            }
        }

        return isAtomic ? Word.Atomic : Word.Other;
    }
}
