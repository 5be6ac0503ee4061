namespace PgOps.Core.Sql;

/// <summary>One statement of a script.</summary>
internal sealed class SqlStatement
{
    private const int KeywordLimit = 8;

    private readonly string _script;
    private readonly bool _standardConformingStrings;
    private string? _text;
    private IReadOnlyList<string>? _keywords;

    internal SqlStatement(string script, int offset, int length, int line, int column, bool standardConformingStrings)
    {
        _script = script;
        _standardConformingStrings = standardConformingStrings;
        Offset = offset;
        Length = length;
        Line = line;
        Column = column;
    }

    /// <summary>Where the first token begins: UTF-16 index into the script.</summary>
    public int Offset { get; }

    /// <summary>Length from the first token's start to the last token's end in UTF-16 units; the semicolon is not part of it.</summary>
    public int Length { get; }

    /// <summary>The line of the first token, counted from 1.</summary>
    public int Line { get; }

    /// <summary>The column of the first token in characters, counted from 1.</summary>
    public int Column { get; }

    /// <summary>The inline data that follows a <c>COPY ... FROM STDIN</c>; null for every other statement.</summary>
    public SqlCopyData? CopyData { get; internal set; }

    /// <summary>The statement from its first token to its last.</summary>
    public string Text => _text ??= _script.Substring(Offset, Length);

    /// <summary>The text of <see cref="CopyData"/>; empty for every other statement.</summary>
    public ReadOnlySpan<char> DataSpan => CopyData is { } data ? _script.AsSpan(data.Offset, data.Length) : default;

    /// <summary>The statement's text without a copy.</summary>
    public ReadOnlySpan<char> Span => _script.AsSpan(Offset, Length);

    /// <summary>The first words (up to 8) that are not quoted, in upper case: enough to tell what the statement is.</summary>
    public IReadOnlyList<string> Keywords => _keywords ??= ReadKeywords();

    /// <summary>The statement's tokens. Their offsets count from the statement's start.</summary>
    /// <returns>A tokenizer at the first token.</returns>
    public SqlTokenizer Tokenize() => new(Span, _standardConformingStrings);

    /// <summary>Where in the script the server means with an error position.</summary>
    /// <param name="position">The error field P: characters from the statement's start, counted from 1; 0 when there is none.</param>
    /// <returns>A UTF-16 index into the script, at most that of the statement's end.</returns>
    public int OffsetOf(int position)
    {
        var index = 0;
        for (var character = 1; character < position && index < Length; character++)
        {
            index += char.IsSurrogatePair(_script, Offset + index) ? 2 : 1;
        }

        return Offset + Math.Min(index, Length);
    }

    /// <inheritdoc/>
    public override string ToString() => Text;

    private List<string> ReadKeywords()
    {
        var words = new List<string>(KeywordLimit);
        foreach (var token in Tokenize())
        {
            if (token.Kind == SqlTokenKind.Word)
            {
                words.Add(token.In(Span).ToString().ToUpperInvariant());
                if (words.Count == KeywordLimit)
                {
                    break;
                }
            }
        }

        return words;
    }
}
