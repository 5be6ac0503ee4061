using System.Globalization;
using System.Text.RegularExpressions;

namespace PgOps.Core.Restores;

/// <summary>
/// Judges what pg_restore says on stderr: every warning and error is a complaint and is quoted with the entry it belongs to, but for
/// those that are known to be harmless: pg_restore from 17 on sets transaction_timeout, which servers before 17 do not know
/// (https://www.postgresql.org/docs/17/release-17.html); and the warnings of <see cref="HarmlessWarnings"/>.
/// </summary>
internal sealed partial class PgRestoreMessages
{
    private const int ContextLines = 2;
    private const string Unconnected = "subscriptions are not connected";
    private const string HarmlessError = "could not execute query: ERROR:  unrecognized configuration parameter \"transaction_timeout\"";

    private const string HarmlessCommand = "Command was: SET transaction_timeout = 0;";

    // What the server warns of, and how the result says it.
    private static readonly (string Text, string Remark)[] HarmlessWarnings =
    [
        // A publication is restored as it was; that this server publishes nothing is its own setting.
        ("is insufficient to publish logical changes", "this server's wal_level publishes nothing"),

        // pg_dump restores subscriptions unconnected on purpose: two databases must not fetch from one slot (up to 15, then from 16 on).
        ("tables were not subscribed, you will have to run ALTER SUBSCRIPTION ... REFRESH PUBLICATION", Unconnected),
        ("subscription was created, but is not connected", Unconnected),
    ];

    private readonly SortedSet<string> _remarks = new(StringComparer.Ordinal);
    private readonly Queue<string> _context = new();
    private readonly QuotedLines _quoted = new();
    private readonly bool _tolerant;
    private bool _quoting;

    /// <param name="tolerant">Whether the server is older than transaction_timeout and pg_restore is not.</param>
    internal PgRestoreMessages(bool tolerant)
    {
        _tolerant = tolerant;
    }

    /// <summary>The lines to quote; empty when nothing was wrong.</summary>
    internal IReadOnlyList<string> Quoted => _quoted.All;

    /// <summary>How many known, harmless errors there were.</summary>
    internal int Harmless { get; private set; }

    /// <summary>Whether an exit code other than 0 is explained.</summary>
    internal bool Tolerated => Harmless > 0;

    /// <summary>What to say when nothing was wrong.</summary>
    internal string Remark => _remarks.Count == 0 ? "no warning and no error" : "nothing but the harmless: " + string.Join("; ", _remarks);

    /// <summary>What a server's warning that is known to be harmless means; null for any other line.</summary>
    internal static string? HarmlessRemark(string line) => line.Contains("WARNING:", StringComparison.Ordinal)
        ? Array.Find(HarmlessWarnings, one => line.Contains(one.Text, StringComparison.Ordinal)).Remark
        : null;

    /// <summary>Says that the archive holds subscriptions, which pg_dump always writes unconnected.</summary>
    internal void TellOfSubscriptions() => _remarks.Add(Unconnected);

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
        if (HarmlessRemark(line) is { } harmless)
        {
            _remarks.Add(harmless);
            _quoting = false;
            return false;
        }

        if (_tolerant && line.EndsWith(HarmlessError, StringComparison.Ordinal))
        {
            Harmless++;
            _remarks.Add("this server does not know transaction_timeout");
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
        if (line != HarmlessCommand)
        {
            _quoted.Add(line, Complaint().IsMatch(line));
        }
    }

    // The process runner keeps the programs' messages in English. The server's own warnings arrive through libpq, with or without
    // the program's name. Workers write that name and their message apart, so another's may stand between.
    [GeneratedRegex(@"^(?:pg_restore: )*(?:warning|error|fatal|panic):", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Complaint();

    [GeneratedRegex(@"^pg_restore: (?:while |from TOC entry )", RegexOptions.CultureInvariant)]
    private static partial Regex Entry();

    [GeneratedRegex(@"^pg_restore: warning: errors ignored on restore: (\d+)$", RegexOptions.CultureInvariant)]
    private static partial Regex Ignored();
}
