using System.Text.RegularExpressions;

namespace PgOps.Core.Migrations.Scripts;

/// <summary>
/// The sections of a file whose marks may also bracket statements, as goose's and sql-migrate's do. StatementBegin and StatementEnd keep
/// those tools from cutting at semicolons; PostgreSQL's own rules need no such help, so what stands between them is cut by those rules,
/// and the marks only end the statements around them.
/// </summary>
internal sealed class StatementBlocks
{
    private readonly MigrationFile _file;
    private readonly string _text;
    private readonly string _tool;
    private readonly char[] _cut;
    private readonly List<(bool IsDown, int Start)> _sections = [];
    private Match? _block;
    private int _head;

    /// <param name="file">The file.</param>
    /// <param name="text">Its text.</param>
    /// <param name="tool">The word that the tool's marks begin with: <c>goose</c> or <c>migrate</c>.</param>
    internal StatementBlocks(MigrationFile file, string text, string tool)
    {
        _file = file;
        _text = text;
        _tool = tool;
        _cut = text.ToCharArray();
        _head = text.Length;
    }

    /// <summary>The mark that begins a file.</summary>
    private string UpMark => $"-- +{_tool} Up";

    /// <summary>Whether a section of this kind has begun already.</summary>
    internal bool Has(bool down) => _sections.Exists(section => section.IsDown == down);

    /// <summary>Takes a mark out of the text.</summary>
    internal void Take(Match mark)
    {
        _head = Math.Min(_head, mark.Index);
        _cut.AsSpan(mark.Index, mark.Length).Fill(' ');
    }

    /// <summary>Begins a section.</summary>
    internal void Begin(Match mark, bool down)
    {
        RefuseOpenBlock();
        _sections.Add((down, mark.Index));
    }

    /// <summary>Takes StatementBegin or StatementEnd.</summary>
    /// <returns>Whether it may stand here.</returns>
    internal bool Bracket(Match mark, bool begins)
    {
        if (begins)
        {
            RefuseOpenBlock();
        }

        if (_sections.Count == 0 || begins == _block is not null)
        {
            return false;
        }

        _cut[mark.Index] = ';';
        _block = begins ? mark : null;
        return true;
    }

    /// <summary>A refusal of a mark.</summary>
    internal PgOpsException Refusal(Match mark, string problem, string next)
        => ScriptPart.Invalid(_file, _text, mark.Index, $"'{mark.Value.Trim()}' {problem}", next);

    /// <summary>The sections, each with everything blank but the head and itself.</summary>
    internal (ScriptPart Up, ScriptPart Down) Parts(bool transactionalUp, bool transactionalDown)
    {
        RefuseOpenBlock();
        if (!Has(down: false))
        {
            throw ScriptPart.Invalid(_file, _text, 0, $"the file has no '{UpMark}'", $"begin it with '{UpMark}'");
        }

        ScriptPart.RefuseHead(_file, _text, _head, UpMark);
        return (new ScriptPart(Keep(down: false), transactionalUp), new ScriptPart(Keep(down: true), transactionalDown));
    }

    private string Keep(bool down)
    {
        var kept = new string(_cut);
        for (var index = 0; index < _sections.Count; index++)
        {
            if (_sections[index].IsDown != down)
            {
                var end = index + 1 < _sections.Count ? _sections[index + 1].Start : kept.Length;
                kept = ScriptPart.Blank(kept, _sections[index].Start, end);
            }
        }

        return kept;
    }

    private void RefuseOpenBlock()
    {
        if (_block is not null)
        {
            throw ScriptPart.Invalid(
                _file, _text, _block.Index, "this StatementBegin has no StatementEnd", $"add '-- +{_tool} StatementEnd'");
        }
    }
}
