using System.Text.RegularExpressions;

namespace PgOps.Core.Restores;

/// <summary>
/// Judges what psql says on stderr: whatever is not a notice, and no warning known to be harmless, is a complaint, with the lines that
/// follow it.
/// </summary>
internal sealed partial class PsqlMessages
{
    private const int MostLinesQuoted = 24;
    private readonly List<string> _quoted = [];
    private bool _harmless;

    /// <summary>The lines to quote; empty when nothing was wrong.</summary>
    internal IReadOnlyList<string> Quoted => _quoted;

    /// <summary>Takes a line.</summary>
    internal void Read(string line)
    {
        if (Begins().Match(line) is { Success: true } begins)
        {
            _harmless = begins.Groups["notice"].Success || PgRestoreMessages.HarmlessRemark(line) is not null;
        }

        if (!_harmless && _quoted.Count < MostLinesQuoted)
        {
            // A statement that is quoted may hold a password in a shape that no pattern masks for certain.
            var secret = line.Contains("password", StringComparison.OrdinalIgnoreCase) && !Begins().IsMatch(line);
            _quoted.Add(secret ? "(a line that mentions a password is not shown)" : line);
        }
    }

    [GeneratedRegex(
        @"^(?:psql:(?:<stdin>:\d+:)? ?)?(?:(?<notice>NOTICE|INFO|LOG|DEBUG\d?)|WARNING|ERROR|FATAL|PANIC|error|fatal|warning): |^psql:",
        RegexOptions.CultureInvariant)]
    private static partial Regex Begins();
}
