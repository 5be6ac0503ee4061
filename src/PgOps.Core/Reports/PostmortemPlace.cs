using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PgOps.Core.Common.Hashes;

namespace PgOps.Core.Reports;

/// <summary>
/// Where a postmortem goes when nobody says where: <c>docs/postmortems/2026-01-31-name.md</c>. The same incident's document is the same
/// file; another's gets the next free number.
/// </summary>
internal sealed class PostmortemPlace
{
    private const int LongestName = 60;
    private static readonly string[] Above = ["docs", "postmortems"];

    private readonly string _start;

    private PostmortemPlace(string start, string? mark)
    {
        _start = start;
        Mark = mark;
    }

    /// <summary>The line that says which incident it is; null where nothing tells it from another of the same day.</summary>
    internal string? Mark { get; }

    /// <summary>The place of a request's document. Begun without -Since and -Title, two incidents of a day cannot be told apart.</summary>
    internal static PostmortemPlace Of(WritePostmortemRequest request, ReportText text)
    {
        var title = text.CleanOrNull(request.Title);
        var day = request.Since?.UtcDateTime ?? DateTime.UtcNow;
        var name = NameOf(title) ?? NameOf(request.Target?.Database) ?? "incident";
        var mark = request.Since is null && title is null
            ? null
            : string.Join('\n', request.Since?.UtcDateTime.ToString("O", CultureInfo.InvariantCulture), title, request.Target?.Database);
        return new PostmortemPlace(
            Path.Combine(
                [Path.GetFullPath(request.Folder), .. Above, string.Create(CultureInfo.InvariantCulture, $"{day:yyyy-MM-dd}-{name}")]),
            mark is null ? null : $"<!-- pgops-incident {Hex.Of(SHA256.HashData(Encoding.UTF8.GetBytes(mark)))[..16]} -->");
    }

    /// <summary>The first of its files that is not another incident's.</summary>
    internal string FreePath()
    {
        for (var number = 1; ; number++)
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"{_start}{(number == 1 ? "" : $"-{number}")}.md");
            if (!Path.Exists(path) || IsOwn(path))
            {
                return path;
            }
        }
    }

    private bool IsOwn(string path)
    {
        try
        {
            return Mark is not null && File.ReadLines(path).Contains(Mark, StringComparer.Ordinal);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A folder, or a file that cannot be read: not this one's.
            return false;
        }
    }

    /// <summary>A text as file names have it, in small letters; null when nothing is left of it.</summary>
    private static string? NameOf(string? text)
    {
        var name = new StringBuilder();
        foreach (var rune in (text ?? "").Normalize().ToLowerInvariant().EnumerateRunes())
        {
            if (Rune.IsLetterOrDigit(rune))
            {
                _ = name.Append(rune.ToString());
            }
            else if (name.Length > 0 && name[^1] != '-')
            {
                _ = name.Append('-');
            }

            if (name.Length >= LongestName)
            {
                break;
            }
        }

        return name.ToString().Trim('-') is { Length: > 0 } safe ? safe : null;
    }
}
