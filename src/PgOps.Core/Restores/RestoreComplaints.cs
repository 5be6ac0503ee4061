using System.Globalization;
using System.Text.RegularExpressions;

namespace PgOps.Core.Restores;

/// <summary>
/// Judges what pg_restore says on stderr: every warning and error is a complaint and is quoted with the entry it belongs to. One is
/// known to be harmless: pg_restore from 17 on sets transaction_timeout, which servers before 17 do not know
/// (https://www.postgresql.org/docs/17/release-17.html).
/// </summary>
internal sealed partial class RestoreComplaints
{
    private const int MostLinesQuoted = 24;
    private const int ContextLines = 2;
    /// <summary>Harmless: a publication is restored as it was; that this server publishes nothing is its own setting.</summary>
    internal const string NoPublisher = "is insufficient to publish logical changes";

    private const string HarmlessError = "could not execute query: ERROR:  unrecognized configuration parameter \"transaction_timeout\"";

    private const string HarmlessCommand = "Command was: SET transaction_timeout = 0;";

    private readonly Queue<string> _context = new();
    private readonly List<string> _quoted = [];
    private readonly bool _tolerant;
    private bool _quoting;

    /// <param name="tolerant">Whether the server is older than transaction_timeout and pg_restore is not.</param>
    internal RestoreComplaints(bool tolerant)
    {
        _tolerant = tolerant;
    }

    /// <summary>The lines to quote; empty when nothing was wrong.</summary>
    internal IReadOnlyList<string> Quoted => _quoted;

    /// <summary>How many known, harmless errors there were.</summary>
    internal int Harmless { get; private set; }

    /// <summary>Takes a line.</summary>
    /// <returns>Whether it is ordinary talk about progress.</returns>
    internal bool Read(string line)
    {
        if (Complaint().IsMatch(line))
        {
            return Judge(line);
        }

        if (!line.StartsWith("pg_restore: ", StringComparison.Ordinal))
        {
            // DETAIL, HINT and the statement follow their error without the program's name.
            if (_quoting)
            {
                Quote(line);
            }

            return false;
        }

        _quoting = false;
        if (Entry().IsMatch(line))
        {
            _context.Enqueue(line);
            if (_context.Count > ContextLines)
            {
                _context.Dequeue();
            }

            return false;
        }

        _context.Clear();
        return true;
    }

    private bool Judge(string line)
    {
        if (line.Contains(NoPublisher, StringComparison.Ordinal))
        {
            _quoting = false;
            return false;
        }

        if (_tolerant && line.EndsWith(HarmlessError, StringComparison.Ordinal))
        {
            Harmless++;
            _quoting = false;
            return false;
        }

        // pg_restore sums up what it went on after; a larger number than ours would mean that a complaint was lost.
        if (_tolerant && Ignored().Match(line) is { Success: true } ignored
            && int.Parse(ignored.Groups[1].Value, CultureInfo.InvariantCulture) <= Harmless)
        {
            return false;
        }

        _quoting = true;
        while (_context.TryDequeue(out var before))
        {
            Quote(before);
        }

        Quote(line);
        return false;
    }

    private void Quote(string line)
    {
        if (_quoted.Count < MostLinesQuoted && line != HarmlessCommand)
        {
            // CREATE USER MAPPING and CREATE SUBSCRIPTION carry passwords in shapes that no pattern masks for certain.
            var secret = line.Contains("password", StringComparison.OrdinalIgnoreCase) && !Complaint().IsMatch(line);
            _quoted.Add(secret ? "(a line that mentions a password is not shown)" : line);
        }
    }

    // The process runner keeps the programs' messages in English. The server's own warnings arrive through libpq, with or without
    // the program's name.
    [GeneratedRegex(@"^(?:pg_restore: )?(?:warning|error|fatal|panic):", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Complaint();

    [GeneratedRegex(@"^pg_restore: (?:while |from TOC entry )", RegexOptions.CultureInvariant)]
    private static partial Regex Entry();

    [GeneratedRegex(@"^pg_restore: warning: errors ignored on restore: (\d+)$", RegexOptions.CultureInvariant)]
    private static partial Regex Ignored();
}
