using System.Text;

namespace PgOps.Core.Repository.Archives;

/// <summary>
/// Takes a plain dump apart as psql would: statements, comments, psql's own commands, and COPY data, which is only skipped. Works on
/// bytes as they come, of any length, with a few kilobytes of memory.
/// </summary>
internal sealed class DumpLexer
{
    private const int LongestText = 4096;

    private readonly Action<string> _onStatement;
    private readonly Action<string> _onComment;
    private readonly Action<string, long> _onCommand;
    private readonly List<byte> _text = [];
    private readonly List<byte> _tag = [];
    private readonly List<byte> _candidate = [];
    private Mode _mode;
    private byte _last;
    private byte _beforeLast;
    private int _depth;
    private int _parentheses;
    private int _lineLength;
    private bool _escapes;
    private bool _skip;
    private bool _copyBegins;
    private bool _tagOpens;

    /// <param name="onStatement">Receives the first kilobytes of each statement, comments left out.</param>
    /// <param name="onComment">Receives each comment that runs to the end of its line, without its dashes.</param>
    /// <param name="onCommand">Receives each command of psql with its line.</param>
    internal DumpLexer(Action<string> onStatement, Action<string> onComment, Action<string, long> onCommand)
    {
        _onStatement = onStatement;
        _onComment = onComment;
        _onCommand = onCommand;
    }

    private enum Mode
    {
        Normal,
        LineComment,
        BlockComment,
        Quoted,
        Identifier,
        DollarTag,
        Dollar,
        Command,
        Copy,
    }

    /// <summary>The line that is being read, from 1.</summary>
    internal long Line { get; private set; } = 1;

    /// <summary>Whether a backslash in every literal escapes (standard_conforming_strings = off).</summary>
    internal bool BackslashEscapes { get; set; }

    /// <summary>Whether the text so far ends outside of every literal, comment and COPY.</summary>
    internal bool IsAtRest => _mode == Mode.Normal && _text.Count == 0;

    /// <summary>Takes the next bytes.</summary>
    internal void Add(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            if (_mode == Mode.Copy)
            {
                bytes = SkipCopy(bytes);
            }
            else
            {
                Step(bytes[0]);
                bytes = bytes[1..];
            }
        }
    }

    /// <summary>Passes over COPY data up to the line that ends it.</summary>
    private ReadOnlySpan<byte> SkipCopy(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            // Only a line of exactly \. ends the data, and what may be one is looked at byte by byte.
            if (_lineLength < 3)
            {
                var current = bytes[0];
                bytes = bytes[1..];
                if (current == '\n')
                {
                    var ended = _lineLength == 2 && _beforeLast == '\\' && _last == '.';
                    NextLine();
                    if (ended)
                    {
                        _mode = Mode.Normal;
                        return bytes;
                    }
                }
                else if (current != '\r')
                {
                    _lineLength++;
                    Remember(current);
                }

                continue;
            }

            var end = bytes.IndexOf((byte)'\n');
            if (end < 0)
            {
                return default;
            }

            NextLine();
            bytes = bytes[(end + 1)..];
        }

        return bytes;
    }

    private void Step(byte current)
    {
        if (_skip)
        {
            _skip = false;
            Keep(current);
        }
        else
        {
            switch (_mode)
            {
                case Mode.Normal:
                    StepNormal(current);
                    break;
                case Mode.LineComment or Mode.Command:
                    StepToLineEnd(current);
                    break;
                case Mode.BlockComment:
                    StepBlockComment(current);
                    break;
                case Mode.Quoted:
                    Keep(current);
                    _skip = _escapes && current == '\\';
                    _mode = current == '\'' ? Mode.Normal : _mode;
                    break;
                case Mode.Identifier:
                    Keep(current);
                    _mode = current == '"' ? Mode.Normal : _mode;
                    break;
                case Mode.DollarTag:
                    StepDollarTag(current);
                    break;
                case Mode.Dollar:
                    StepDollar(current);
                    break;
            }
        }

        if (current == '\n')
        {
            NextLine();
            _mode = _copyBegins ? Mode.Copy : _mode;
            _copyBegins = false;
        }

        Remember(current);
    }

    private void StepNormal(byte current)
    {
        switch (current)
        {
            case (byte)'-' when _last == '-':
                // The first dash is part of the statement no more.
                DropLast();
                Begin(Mode.LineComment);
                return;
            case (byte)'*' when _last == '/':
                DropLast();
                _mode = Mode.BlockComment;
                _depth = 1;
                return;
            case (byte)'\\':
                Begin(Mode.Command);
                return;
            case (byte)'\'':
                _escapes = BackslashEscapes || (_last is (byte)'E' or (byte)'e' && !IsWord(_beforeLast));
                _mode = Mode.Quoted;
                break;
            case (byte)'"':
                _mode = Mode.Identifier;
                break;
            case (byte)'$' when !IsWord(_last):
                _candidate.Clear();
                _mode = Mode.DollarTag;
                break;
            case (byte)'(':
                _parentheses++;
                break;
            case (byte)')':
                _parentheses--;
                break;
            case (byte)';' when _parentheses <= 0:
                EndStatement();
                return;
        }

        if (_text.Count > 0 || !IsSpace(current))
        {
            Keep(current);
        }
    }

    /// <summary>A comment or a command keeps its text apart; the statement around it goes on afterwards.</summary>
    private void Begin(Mode mode)
    {
        _candidate.Clear();
        _mode = mode;
    }

    private void StepToLineEnd(byte current)
    {
        if (current != '\n')
        {
            if (_candidate.Count < LongestText)
            {
                _candidate.Add(current);
            }

            return;
        }

        var isCommand = _mode == Mode.Command;
        var text = Encoding.UTF8.GetString([.. _candidate]).TrimEnd('\r');
        _mode = Mode.Normal;
        if (isCommand)
        {
            _onCommand(text, Line);
        }
        else
        {
            _onComment(text);
        }
    }

    private void StepBlockComment(byte current)
    {
        if (current == '*' && _last == '/')
        {
            _depth++;
        }
        else if (current == '/' && _last == '*' && --_depth == 0)
        {
            _mode = Mode.Normal;
        }
    }

    private void StepDollarTag(byte current)
    {
        Keep(current);
        if (current == '$')
        {
            _tag.Clear();
            _tag.AddRange(_candidate);
            _candidate.Clear();
            _tagOpens = false;
            _mode = Mode.Dollar;
        }
        else if (IsWord(current) && !(_candidate.Count == 0 && char.IsAsciiDigit((char)current)))
        {
            _candidate.Add(current);
        }
        else
        {
            // A parameter such as $1, or an operator: this byte is looked at again.
            DropLast();
            _mode = Mode.Normal;
            StepNormal(current);
        }
    }

    private void StepDollar(byte current)
    {
        if (current != '$')
        {
            if (_candidate.Count <= _tag.Count)
            {
                _candidate.Add(current);
            }

            return;
        }

        // Between two dollar signs may stand the tag that ends the literal, or just a piece of it.
        if (_tagOpens && _candidate.SequenceEqual(_tag))
        {
            _mode = Mode.Normal;
        }

        _tagOpens = _mode == Mode.Dollar;
        _candidate.Clear();
    }

    private void EndStatement()
    {
        var text = Encoding.UTF8.GetString([.. _text]);
        _text.Clear();
        _parentheses = 0;
        _copyBegins = text.StartsWith("COPY ", StringComparison.OrdinalIgnoreCase)
            && text.TrimEnd().EndsWith("FROM stdin", StringComparison.OrdinalIgnoreCase);
        _onStatement(text);
    }

    private void Keep(byte current)
    {
        // Of a long statement the beginning and the end say what it is.
        if (_text.Count == LongestText)
        {
            _text.RemoveRange(LongestText / 2, LongestText / 4);
        }

        _text.Add(current);
    }

    private void DropLast()
    {
        if (_text.Count > 0)
        {
            _text.RemoveAt(_text.Count - 1);
        }
    }

    private void NextLine()
    {
        Line++;
        _lineLength = 0;
        _last = _beforeLast = 0;
    }

    private void Remember(byte current)
    {
        _beforeLast = _last;
        _last = current;
    }

    private static bool IsSpace(byte value) => value is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r' or (byte)'\f';

    private static bool IsWord(byte value) => char.IsAsciiLetterOrDigit((char)value) || value is (byte)'_' || value >= 0x80;
}
