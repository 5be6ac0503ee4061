using System.Security.Cryptography;
using System.Text;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>
/// Reads a large script without holding its inline COPY data: statements go into the text, of the data a line that tells their number
/// and hash. Where data begin is the lexer's word: it is asked at each line that may end a COPY … FROM stdin.
/// </summary>
internal sealed class LargeScript
{
    /// <summary>Behind FROM stdin come only options: no COPY ends more lines below than this.</summary>
    private const int MostOptionLines = 50;

    private readonly LineBlocks _lines;
    private readonly StringBuilder _text = new();
    private readonly List<StoredData> _stored = [];
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly IncrementalHash _dataHash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private int _asked;
    private bool _conforming = true;

    private LargeScript(LineBlocks lines) => _lines = lines;

    /// <summary>Reads a file.</summary>
    internal static ScriptContent Read(string path)
    {
        using var lines = new LineBlocks(path);
        lines.Advance(0);
        lines.Advance(ScriptContent.MarkLength(path, lines.Raw));
        var script = new LargeScript(lines);
        using (script._hash)
        using (script._dataHash)
        {
            script.Run();
            return new ScriptContent(script._text.ToString(), Hex.Of(script._hash.GetHashAndReset()), script._stored);
        }
    }

    private void Run()
    {
        var sinceStdin = MostOptionLines;
        while (!_lines.Raw.IsEmpty)
        {
            var line = TakeLine();
            sinceStdin = line.Contains("stdin", StringComparison.OrdinalIgnoreCase) ? 0 : sinceStdin + 1;
            if (sinceStdin < MostOptionLines && line.EndsWith('\n') && line.Contains(';', StringComparison.Ordinal) && DataBeginHere())
            {
                PassData();
                sinceStdin = MostOptionLines;
            }
        }
    }

    private string TakeLine()
    {
        var end = _lines.Raw.IndexOf((byte)'\n') + 1;
        var length = end == 0 ? _lines.Raw.Length : end;
        var bytes = _lines.Normalise(0, length).Span;
        _hash.AppendData(bytes);
        var line = Encoding.UTF8.GetString(bytes);
        _text.Append(line);
        _lines.Advance(length);
        return line;
    }

    private bool DataBeginHere()
    {
        var text = _text.ToString(_asked, _text.Length - _asked);
        var script = SqlScript.Parse(text, _conforming);
        var begin = script.EndsComplete && script.Statements is [.., { CopyData: { } data }] && data.Offset == text.Length;
        if (begin || (script.EndsComplete && script.Problems.Count == 0))
        {
            (_asked, _conforming) = (_text.Length, script.ConformingAtEnd);
        }

        return begin;
    }

    private void PassData()
    {
        var (offset, lines, end) = (_lines.Offset, 0L, -1);
        while (!_lines.Raw.IsEmpty && end < 0)
        {
            end = CopyDataEnd.IndexIn<byte>(_lines.Raw);
            var length = end < 0 ? _lines.Raw.Length : end;
            lines += _lines.Raw[..length].Count((byte)'\n');
            var data = _lines.Normalise(0, length).Span;
            _hash.AppendData(data);
            _dataHash.AppendData(data);
            _lines.Advance(length);
        }

        var stored = new StoredData(
            _text.Length, offset, _lines.Offset - offset, lines, Hex.Of(_dataHash.GetHashAndReset()));
        if (stored.FileLength > 0)
        {
            _stored.Add(stored);
            _text.Append(stored.Placeholder);
        }

        if (end >= 0)
        {
            TakeLine();
            _asked = _text.Length;
        }
    }
}
