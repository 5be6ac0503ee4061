namespace PgOps.Core.Restores;

/// <summary>
/// The first lines of what a program complains of, to be quoted to people. A statement among them may hold a password in a shape that no
/// pattern masks for certain (CREATE USER MAPPING, CREATE SUBSCRIPTION); such a line is not shown.
/// </summary>
internal sealed class QuotedLines
{
    private const int Most = 24;
    private readonly List<string> _lines = [];

    /// <summary>The lines; empty when nothing was wrong.</summary>
    internal IReadOnlyList<string> All => _lines;

    /// <summary>Quotes a line, if there is still room for it.</summary>
    /// <param name="line">The line.</param>
    /// <param name="isComplaint">Whether it is the complaint itself, and not what follows it.</param>
    internal void Add(string line, bool isComplaint)
    {
        if (_lines.Count < Most)
        {
            var secret = !isComplaint && line.Contains("password", StringComparison.OrdinalIgnoreCase);
            _lines.Add(secret ? "(a line that mentions a password is not shown)" : line);
        }
    }
}
