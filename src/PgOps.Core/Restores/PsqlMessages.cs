using System.Text.RegularExpressions;

namespace PgOps.Core.Restores;

/// <summary>
/// Judges what psql says on stderr: whatever is not a notice, and no warning known to be harmless, is a complaint, with the lines that
/// follow it.
/// </summary>
internal sealed partial class PsqlMessages
{
    private readonly QuotedLines _quoted = new();
    private bool _harmless;

    /// <summary>The lines to quote; empty when nothing was wrong.</summary>
    internal IReadOnlyList<string> Quoted => _quoted.All;

    /// <summary>Takes a line.</summary>
    internal void Read(string line)
    {
        var begins = Begins().Match(line);
        if (begins.Success)
        {
            _harmless = begins.Groups["notice"].Success || PgRestoreMessages.HarmlessRemark(line) is not null;
        }

        if (!_harmless)
        {
            _quoted.Add(line, begins.Success);
        }
    }

    [GeneratedRegex(
        @"^(?:psql:(?:<stdin>:\d+:)? ?)?(?:(?<notice>NOTICE|INFO|LOG|DEBUG\d?)|WARNING|ERROR|FATAL|PANIC|error|fatal|warning): |^psql:",
        RegexOptions.CultureInvariant)]
    private static partial Regex Begins();
}
