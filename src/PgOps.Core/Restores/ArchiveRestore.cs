using System.Globalization;
using System.Text.RegularExpressions;
using PgOps.Core.ClientTools;
using PgOps.Core.Operations;

namespace PgOps.Core.Restores;

/// <summary>How pg_restore is to be run.</summary>
/// <param name="Tool">The program.</param>
/// <param name="Jobs">Parallel workers.</param>
/// <param name="NoOwner">Leaves ownership out.</param>
/// <param name="NoPrivileges">Leaves grants out.</param>
internal sealed record ArchiveRestoreOptions(PostgresTool Tool, int Jobs, bool NoOwner = false, bool NoPrivileges = false);

/// <summary>
/// One run of pg_restore. It stops at the first error, and a warning counts as one: "errors ignored on restore" is how tables go
/// missing behind an exit code of 0.
/// </summary>
internal sealed partial class ArchiveRestore
{
    private const int MostLinesQuoted = 24;
    private const int ContextLines = 2;

    private readonly Queue<string> _context = new();
    private readonly List<string> _complaint = [];
    private readonly Dictionary<string, long> _sizes;
    private readonly ProgressActivity _progress;
    private readonly long _total;
    private long _done;
    private int _started;
    private bool _quoting;

    private ArchiveRestore(PgBackupManifest manifest, ProgressActivity progress)
    {
        _progress = progress;
        _sizes = manifest.Tables.GroupBy(table => table.ToString()).ToDictionary(group => group.Key, group => group.Sum(table => table.Bytes));
        _total = _sizes.Values.Sum();
    }

    /// <summary>Restores an archive into an empty database.</summary>
    /// <param name="backup">The backup; its manifest must be there.</param>
    /// <param name="target">The database.</param>
    /// <param name="options">How.</param>
    /// <param name="sink">Receives progress.</param>
    /// <param name="cancellationToken">Ends pg_restore and its workers, and waits for them.</param>
    /// <returns>A passed check.</returns>
    /// <exception cref="PgOpsException">RestoreFailed, quoting what pg_restore said.</exception>
    internal static async Task<PgCheck> RunAsync(
        PgBackup backup, PgTarget target, ArchiveRestoreOptions options, IOperationSink sink, CancellationToken cancellationToken)
    {
        var manifest = backup.Manifest!;
        using var progress = new ProgressActivity(sink, $"Restoring {backup.Database}");
        var run = new ArchiveRestore(manifest, progress);
        var result = await ToolProcess.RunAsync(
            new ToolCommand(options.Tool.Path, Arguments(backup, target, options))
            {
                Target = target,
                OnError = run.Read,
            },
            cancellationToken).ConfigureAwait(false);
        if (result.ExitCode != 0 || run._complaint.Count > 0)
        {
            var quoted = run._complaint.Count > 0 ? run._complaint : [.. result.Errors.TakeLast(MostLinesQuoted)];
            throw new PgOpsException(
                PgErrorCode.RestoreFailed,
                $"pg_restore did not restore {backup} cleanly (exit code {result.ExitCode.ToString(CultureInfo.InvariantCulture)}):\n"
                    + string.Join('\n', quoted.Select(line => "  " + line)),
                "Nothing was put in place.",
                "Remove the cause, then run the command again.")
            { Subject = backup };
        }

        return PgCheck.Pass(
            "restore", $"pg_restore {options.Tool.Version} with {options.Jobs.ToString(CultureInfo.InvariantCulture)} jobs, no warning and no error");
    }

    private static string[] Arguments(PgBackup backup, PgTarget target, ArchiveRestoreOptions options)
    {
        // A connection string in place of the bare name, for a name that holds "=" would be taken for one.
        var arguments = new List<string>
        {
            "--dbname", $"dbname='{target.Database.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'",
            "--exit-on-error", "--verbose", "--no-password",
        };
        if (options.Jobs > 1)
        {
            arguments.AddRange(["--jobs", options.Jobs.ToString(CultureInfo.InvariantCulture)]);
        }

        if (options.NoOwner)
        {
            arguments.Add("--no-owner");
        }

        if (options.NoPrivileges)
        {
            arguments.Add("--no-privileges");
        }

        arguments.Add(Path.Combine(backup.Path, backup.Manifest!.Payload.Path));
        return [.. arguments];
    }

    private void Read(string line)
    {
        if (Complaint().IsMatch(line))
        {
            _quoting = true;
            while (_context.TryDequeue(out var before))
            {
                Quote(before);
            }

            Quote(line);
            return;
        }

        if (!line.StartsWith("pg_restore: ", StringComparison.Ordinal))
        {
            // DETAIL, HINT and the statement follow their error without the program's name.
            if (_quoting)
            {
                Quote(line);
            }

            return;
        }

        _quoting = false;
        if (Entry().IsMatch(line))
        {
            _context.Enqueue(line);
            if (_context.Count > ContextLines)
            {
                _context.Dequeue();
            }

            return;
        }

        _context.Clear();
        if (TableData().Match(line) is { Success: true } table)
        {
            var name = table.Groups[1].Value;
            _started++;
            _progress.Report(
                string.Create(CultureInfo.InvariantCulture, $"table {_started} of {_sizes.Count}: {name}"), _done, _total);
            _done += _sizes.GetValueOrDefault(name);
        }
        else
        {
            // Nobody can say how long the indexes will take, so behind the last table there is no estimate.
            var item = Item().Match(line) is { Success: true } launched ? launched.Groups[1].Value : line["pg_restore: ".Length..];
            _progress.Report(item, _done, _started < _sizes.Count ? _total : 0);
        }
    }

    private void Quote(string line)
    {
        if (_complaint.Count < MostLinesQuoted)
        {
            // CREATE USER MAPPING and CREATE SUBSCRIPTION carry passwords in shapes that no pattern masks for certain.
            var secret = line.Contains("password", StringComparison.OrdinalIgnoreCase) && !Complaint().IsMatch(line);
            _complaint.Add(secret ? "(a line that mentions a password is not shown)" : line);
        }
    }

    // The process runner keeps the programs' messages in English. The server's own warnings arrive through libpq, with or without
    // the program's name.
    [GeneratedRegex(@"^(?:pg_restore: )?(?:warning|error|fatal|panic):", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Complaint();

    [GeneratedRegex(@"^pg_restore: (?:while |from TOC entry )", RegexOptions.CultureInvariant)]
    private static partial Regex Entry();

    [GeneratedRegex(@"^pg_restore: (?:launching|finished) item \d+ (.+)$", RegexOptions.CultureInvariant)]
    private static partial Regex Item();

    [GeneratedRegex(@"^pg_restore: processing data for table ""(.*)""$", RegexOptions.CultureInvariant)]
    private static partial Regex TableData();
}
