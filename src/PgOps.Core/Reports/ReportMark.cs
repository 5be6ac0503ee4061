using System.Text;
using System.Text.RegularExpressions;

namespace PgOps.Core.Reports;

/// <summary>
/// What tells a report of PgOps' from a file of somebody else's: a line of its own, and in JSON the first name. A page that only speaks
/// of it (docs/report-format.md) has no such line; a postmortem, which people write on, has none.
/// </summary>
internal static partial class ReportMark
{
    // More than any line before the mark, or the whole last line.
    private const int Looked = 1024;

    /// <summary>The value of a JSON report's first name.</summary>
    internal const string Format = "pgops-report/1";

    /// <summary>A comment of HTML, XML and Markdown.</summary>
    internal const string Comment = $"<!-- {Format} -->";

    /// <summary>Whether the file is a report that PgOps wrote.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    internal static bool IsIn(string path)
    {
        using var file = File.OpenRead(path);
        var start = Read(file);
        file.Seek(Math.Max(0, file.Length - Looked), SeekOrigin.Begin);
        var lines = start.Split('\n').Select(line => line.TrimEnd('\r')).Take(2).Append(Read(file).TrimEnd().Split('\n')[^1]);
        return lines.Contains(Comment) || FirstName().IsMatch(start);
    }

    private static string Read(FileStream file)
    {
        var bytes = new byte[Looked];
        return Encoding.UTF8.GetString(bytes, 0, file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)).TrimStart('\uFEFF');
    }

    [GeneratedRegex($@"\A\s*\{{\s*""format""\s*:\s*""{Format}""", RegexOptions.CultureInvariant)]
    private static partial Regex FirstName();
}
