namespace PgOps.Core.Sql;

/// <summary>Operators, comments, which look like them at first, and punctuation.</summary>
internal ref partial struct SqlTokenizer
{
    private SqlToken OperatorOrComment(int start, char first)
    {
        var next = At(start + 1);
        if (first == '-' && next == '-')
        {
            return Token(SqlTokenKind.Comment, start, LineEnd(start + 2));
        }

        if (first == '/' && next == '*')
        {
            return BlockComment(start, start + 2, depth: 1);
        }

        var end = start + 1;
        while (ClassOf(At(end)) == Class.Operator)
        {
            if ((_text[end] == '-' && At(end + 1) == '-') || (_text[end] == '/' && At(end + 1) == '*'))
            {
                break;
            }

            end++;
        }

        // SQL has "=-" as two operators; only an operator that SQL itself cannot have may end in + or -.
        if (!_text[start..end].ContainsAnyExcept(SqlOnlyOperators))
        {
            while (end > start + 1 && _text[end - 1] is '+' or '-')
            {
                end--;
            }
        }

        return Token(SqlTokenKind.Operator, start, end);
    }

    private SqlToken BlockComment(int start, int index, int depth)
    {
        while (true)
        {
            var found = _text[index..].IndexOfAny(CommentMarks);
            if (found < 0)
            {
                return Unterminated(new OpenLiteral(SqlTokenKind.Comment, Depth: depth), start);
            }

            index += found + 1;
            if (index == _text.Length)
            {
                return Unterminated(new OpenLiteral(SqlTokenKind.Comment, Depth: depth), start, kept: 1);
            }

            var isClose = _text[index - 1] == '*';
            if (At(index) != (isClose ? '/' : '*'))
            {
                continue;
            }

            index++;
            depth += isClose ? -1 : 1;
            if (depth == 0)
            {
                return Token(SqlTokenKind.Comment, start, index);
            }
        }
    }

    private SqlToken Special(int start, char first)
    {
        switch (first)
        {
            case '\'':
                return String(start, start + 1, !StandardConformingStrings, doubling: true);
            case '"':
                return QuotedIdentifier(start, start + 1);
            case '\\':
                return Token(SqlTokenKind.Backslash, start, start + 1);
            case '.' when IsDigit(start + 1):
                return Number(start);
            case '.' when At(start + 1) == '.':
            case ':' when At(start + 1) is ':' or '=':
                return Token(SqlTokenKind.Operator, start, start + 2);
            default:
                return Token(SqlTokenKind.Punctuation, start, start + 1);
        }
    }
}
