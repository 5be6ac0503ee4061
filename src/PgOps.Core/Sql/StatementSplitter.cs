namespace PgOps.Core.Sql;

/// <summary>
/// Finds where statements end, as psql does (src/fe_utils/psqlscan.l): at a semicolon outside quotes, comments, parentheses and
/// <c>BEGIN ATOMIC</c> bodies. COPY data are passed over.
/// </summary>
internal sealed class StatementSplitter(string text, bool standardConformingStrings)
{
    private readonly StringSetting _strings = new(standardConformingStrings);
    private readonly List<(SqlProblemKind Kind, int Offset, string Command)> _found = [];
    private readonly StatementBounds _bounds = new();
    private LineCounter _lines = new(text);

    private SqlToken? _first;
    private SqlToken _previous;
    private int _brackets;
    private int _openParenthesis;
    private int _openBody;

    public List<SqlStatement> Statements { get; } = [];

    public IReadOnlyList<SqlProblem> Problems { get; private set; } = [];

    public List<SqlDirective> Directives { get; } = [];

    public List<(int Offset, int Length)> Comments { get; } = [];

    public bool EndsComplete { get; private set; }

    public bool ConformingAtEnd => _strings.Conforming;

    public void Run()
    {
        var nul = text.IndexOf('\0', StringComparison.Ordinal);
        if (nul >= 0)
        {
            Report(SqlProblemKind.NulCharacter, nul);
        }

        var tokens = new SqlTokenizer(text, _strings.Conforming) { Position = text.StartsWith('\uFEFF') ? 1 : 0 };
        var token = tokens.Next();
        for (; token.Kind != SqlTokenKind.End; token = tokens.Next())
        {
            if (!token.IsTerminated)
            {
                Report(Unterminated(token), token.Offset);
                _bounds.Abandon();
            }

            switch (token.Kind)
            {
                case SqlTokenKind.Comment:
                    Comment(token);
                    break;
                case SqlTokenKind.Backslash:
                    tokens.Position = MetaCommand(token.Offset);
                    tokens.StandardConformingStrings = _strings.Conforming;
                    break;
                case SqlTokenKind.Punctuation when _bounds.IsEnd(token.Kind, token.In(text)):
                    tokens.Position = EndStatement(token.End);
                    tokens.StandardConformingStrings = _strings.Conforming;
                    break;
                default:
                    Take(token);
                    break;
            }
        }

        End();
    }

    private static SqlProblemKind Unterminated(SqlToken token) => token.Kind switch
    {
        SqlTokenKind.QuotedIdentifier => SqlProblemKind.UnterminatedIdentifier,
        SqlTokenKind.DollarString => SqlProblemKind.UnterminatedDollarQuote,
        SqlTokenKind.Comment => SqlProblemKind.UnterminatedComment,
        _ => SqlProblemKind.UnterminatedString,
    };

    private bool Is(SqlToken token, string word) =>
        token.Kind == SqlTokenKind.Word && token.In(text).Equals(word, StringComparison.OrdinalIgnoreCase);

    private void Comment(SqlToken token)
    {
        if (_first is not null)
        {
            return;
        }

        Comments.Add((token.Offset, token.Length));
        if (Statements.Count == 0 && text[token.Offset] == '-')
        {
            _lines.AdvanceTo(token.Offset);
            if (SqlDirective.Read(token.In(text), _lines.Line) is { } directive)
            {
                Directives.Add(directive);
            }
        }
    }

    private void Take(SqlToken token)
    {
        _first ??= token;
        if (token.Kind == SqlTokenKind.Punctuation)
        {
            TakePunctuation(token.Offset);
        }

        var (parentheses, bodies) = (_bounds.Parentheses, _bounds.Bodies);
        _bounds.Take(token.Kind, token.In(text));
        _openParenthesis = parentheses == 0 && _bounds.Parentheses > 0 ? token.Offset : _openParenthesis;
        _openBody = bodies == 0 && _bounds.Bodies > 0 ? _previous.Offset : _openBody;
        _previous = token;
    }

    private void TakePunctuation(int offset)
    {
        switch (text[offset])
        {
            case '[':
                _brackets++;
                break;
            case ']' when _brackets > 0:
                _brackets--;
                break;
            case ':' when _brackets == 0 && offset + 1 < text.Length && IsVariableStart(text[offset + 1]) && NoOperandBefore():
                Report(SqlProblemKind.PsqlVariable, offset);
                break;
        }
    }

    private static bool IsVariableStart(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '\'' or '"' || c > '\u007F';

    /// <summary>A colon behind an operand may be SQL's own: <c>a[1:n]</c>, <c>JSON_OBJECT('a':b)</c>.</summary>
    private bool NoOperandBefore() => _previous.Kind switch
    {
        SqlTokenKind.Operator => true,
        SqlTokenKind.Word => _bounds.Parentheses == 0,
        SqlTokenKind.Punctuation => text[_previous.Offset] is '(' or ',',
        _ => false,
    };

    /// <summary>Ends the statement at hand, if there is one.</summary>
    /// <param name="after">The index behind the semicolon.</param>
    /// <returns>Where to read on: behind the data when the statement was a COPY FROM STDIN.</returns>
    private int EndStatement(int after)
    {
        if (_first is { } first)
        {
            _lines.AdvanceTo(first.Offset);
            var statement = new SqlStatement(
                text, first.Offset, _previous.End - first.Offset, _lines.Line, _lines.Column, _strings.Conforming);
            Statements.Add(statement);
            _strings.Follow(statement);
            if (Is(first, "COPY") && SqlStatementTraits.CopiesFromStdin(statement))
            {
                after = PassCopyData(statement, after);
            }
        }

        _first = null;
        _previous = default;
        _bounds.Reset();
        _brackets = 0;
        return after;
    }

    private int PassCopyData(SqlStatement statement, int after)
    {
        var newLine = text.IndexOf('\n', after);
        var start = newLine < 0 ? text.Length : newLine + 1;
        var between = text.AsSpan(after, start - after).Trim();
        if (between.Length > 0 && !between.StartsWith("--"))
        {
            Report(SqlProblemKind.TextAfterCopy, text.IndexOf(between[0], after));
        }

        var end = EndOfCopyData(start, out var next);
        statement.CopyData = new SqlCopyData(start, end - start);
        if (next < 0)
        {
            Report(SqlProblemKind.UnterminatedCopyData, statement.Offset);
            return text.Length;
        }

        return next;
    }

    private int EndOfCopyData(int start, out int next)
    {
        var found = CopyDataEnd.IndexIn(text.AsSpan(start));
        next = found < 0 ? -1 : start + found + @"\.".Length;
        return found < 0 ? text.Length : start + found;
    }

    private int MetaCommand(int offset)
    {
        var end = offset + 1;
        if (end < text.Length && text[end] is ';' or ':')
        {
            end++;
        }
        else
        {
            while (end < text.Length && !char.IsWhiteSpace(text[end]) && text[end] is not ('\\' or ';'))
            {
                end++;
            }
        }

        var command = text[offset..end];
        Report(PsqlMetaCommand.ProblemKind(command), offset, command);
        var next = command is @"\;" or @"\:" ? end : end + LineLength(end);
        if (command == @"\copy" && ReadsStdin(text.AsSpan(end, next - end)))
        {
            var newLine = text.IndexOf('\n', next);
            EndOfCopyData(newLine < 0 ? text.Length : newLine + 1, out var behind);
            return behind < 0 ? text.Length : behind;
        }

        return PsqlMetaCommand.SendsStatement(command) ? EndStatement(next) : next;
    }

    private int LineLength(int start)
    {
        var found = text.AsSpan(start).IndexOfAny('\r', '\n');
        return found < 0 ? text.Length - start : found;
    }

    private static bool ReadsStdin(ReadOnlySpan<char> arguments)
    {
        var from = false;
        foreach (var token in new SqlTokenizer(arguments))
        {
            var word = token.In(arguments);
            if (from
                && (word.Equals("STDIN", StringComparison.OrdinalIgnoreCase) || word.Equals("PSTDIN", StringComparison.OrdinalIgnoreCase)))
            {
                return true;
            }

            from = word.Equals("FROM", StringComparison.OrdinalIgnoreCase);
        }

        return false;
    }

    private void End()
    {
        EndsComplete = _first is null;
        if (_bounds.Parentheses > 0)
        {
            Report(SqlProblemKind.UnclosedParenthesis, _openParenthesis);
        }
        else if (_bounds.Bodies > 0)
        {
            Report(SqlProblemKind.UnterminatedRoutineBody, _openBody);
        }

        EndStatement(text.Length);
        var lines = new LineCounter(text);
        var problems = new List<SqlProblem>(_found.Count);
        foreach (var (kind, offset, command) in _found.OrderBy(found => found.Offset))
        {
            lines.AdvanceTo(offset);
            problems.Add(new SqlProblem
            {
                Kind = kind,
                Offset = offset,
                Line = lines.Line,
                Column = lines.Column,
                Message = SqlProblemText.Message(kind, command),
                NextStep = SqlProblemText.NextStep(kind, command),
            });
        }

        Problems = problems;
    }

    private void Report(SqlProblemKind kind, int offset, string command = "") => _found.Add((kind, offset, command));
}
