using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;
using PgOps.Core.Common.Files;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Text;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Repository.Archives;
using PgOps.Core.Sql;

namespace PgOps.Core.Restores;

/// <summary>
/// An archive restored by pg_restore; with several jobs in several runs (<see cref="ArchiveRun"/>). It stops at the first error, and a
/// warning counts as one: "errors ignored on restore" is how tables go missing behind an exit code of 0.
/// </summary>
internal sealed partial class ArchiveRestore
{
    private const int MostLinesQuoted = 24;

    private static readonly TimeSpan WatchInterval = TimeSpan.FromMilliseconds(500);

    private const string RefreshFails = "The view's query fails on the rows that the backup holds, as REFRESH MATERIALIZED VIEW does in the "
        + "source by now: mend the query or the rows there, and back up again. Of this backup each table can be had by its name: -Table.";

    private readonly PgRestoreMessages _messages;
    private readonly CancellationTokenSource _stop;
    private readonly Dictionary<string, (long Bytes, long Rows)> _sizes;
    private readonly ProgressActivity _progress;
    private readonly object _gate = new();
    private readonly long _total;
    private long _begun;
    private int _started;

    private ArchiveRestore(PgBackupManifest manifest, PgRestoreMessages messages, ProgressActivity progress, CancellationTokenSource stop)
    {
        _messages = messages;
        _progress = progress;
        _stop = stop;
        _sizes = manifest.Tables.GroupBy(table => table.ToString())
            .ToDictionary(group => group.Key, group => (group.Sum(table => table.Bytes), group.Sum(table => table.Rows)));
        _total = _sizes.Values.Sum(size => size.Bytes);
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
        if (options.Archive is { IsStreamed: true })
        {
            options = options with { Jobs = 1 };
        }

        using var progress = new ProgressActivity(sink, $"Restoring {backup.Database}");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var messages = new PgRestoreMessages(options.Tolerant);
        var run = new ArchiveRestore(backup.Manifest!, messages, progress, stop);
        using var plain = OpenedArchive.Plain(Path.Combine(backup.Path, backup.Manifest!.Payload.Path));
        var archive = options.Archive ?? plain;
        foreach (var part in await RunsAsync(backup.Manifest.Facts, archive, options, messages, cancellationToken).ConfigureAwait(false))
        {
            await run.LoadAsync(backup, archive, target, options, part, cancellationToken).ConfigureAwait(false);
        }

        return PgCheck.Pass(
            PgCheckName.Restore,
            $"pg_restore {options.Tool.Version} with {PgAmount.Of(options.Jobs, "job")}, {messages.Remark}");
    }

    private static async Task<IReadOnlyList<ArchiveRun>> RunsAsync(
        PgDatabaseFacts facts, OpenedArchive archive, ArchiveRestoreOptions options, PgRestoreMessages messages,
        CancellationToken cancellationToken)
    {
        var restored = options.Edit is { IsWhole: false } edit ? edit.Restored : null;
        if (options.Jobs == 1)
        {
            // pg_dump has put everything into an order that is right.
            return [new ArchiveRun(restored, InOrder: true)];
        }

        var toc = await ArchiveToc.ReadAsync(options.Tool, archive, facts, cancellationToken).ConfigureAwait(false);
        if (toc.Entries.Any(entry => entry.Kind == "SUBSCRIPTION" && restored?.Contains(entry.Id) != false))
        {
            // Of several workers' warnings one may be lost among the others' lines.
            messages.TellOfSubscriptions();
        }

        return ArchiveRun.Of(toc, restored);
    }

    private async Task LoadAsync(
        PgBackup backup, OpenedArchive archive, PgTarget target, ArchiveRestoreOptions options, ArchiveRun part,
        CancellationToken cancellationToken)
    {
        var exitCode = -1;
        IReadOnlyList<string> said = [];
        using var folder = part.Entries is not null ? new PrivateFolder() : null;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var watching = WatchAsync(target, ended.Token);
        try
        {
            var command = new ToolCommand(options.Tool.Path, Arguments(target, options, part, folder))
            {
                Target = target,
                OnError = Read,
                Encoding = ServerEncoding.Of(backup.Manifest!.Facts.Encoding),
            };
            var result = await archive.RunAsync(command, _stop.Token).ConfigureAwait(false);
            (exitCode, said) = (result.ExitCode, result.Errors);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Ended by Read at the first real complaint.
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            await watching.ConfigureAwait(false);
        }

        if (_messages.Quoted.Count > 0 || (exitCode != 0 && !_messages.Tolerated))
        {
            var quoted = _messages.Quoted.Count > 0 ? _messages.Quoted : [.. said.TakeLast(MostLinesQuoted)];
            ServerDisk.RefuseFull(quoted, target);
            throw new PgOpsException(
                PgErrorCode.RestoreFailed,
                $"pg_restore did not restore {backup} cleanly (exit code {exitCode.ToString(CultureInfo.InvariantCulture)}):\n"
                    + string.Join('\n', InternalOptions.Explained(quoted).Select(line => "  " + line))
                    + Withheld(backup.Manifest!.Facts),
                "Nothing was put in place.",
                quoted.Any(line => RefreshEntry().IsMatch(line)) ? RefreshFails : "Remove the cause, then run the command again.")
            { Subject = backup };
        }
    }

    /// <summary>What may be the cause, and nobody could see in pg_restore's words.</summary>
    private static string Withheld(PgDatabaseFacts facts) => facts.WithheldSettings.Count == 0
        ? ""
        : "\n  The database had settings of its own whose values are in no backup, for they look like secrets: "
            + $"{NameList.Of(facts.WithheldSettings)}. What needs one of them while it is restored fails without it.";

    private static string[] Arguments(PgTarget target, ArchiveRestoreOptions options, ArchiveRun part, PrivateFolder? folder)
    {
        // A connection string in place of the bare name, for a name that holds "=" would be taken for one.
        var arguments = new List<string>
        {
            "--dbname", $"dbname='{ConnectionStringText.Escape(target.Database)}'",
            "--verbose", "--no-password",
        };
        if (!options.Tolerant)
        {
            arguments.Add("--exit-on-error");
        }

        if (!part.InOrder)
        {
            arguments.AddRange(["--jobs", options.Jobs.ToString(CultureInfo.InvariantCulture)]);
        }

        // Mapped roles come afterwards.
        if (options.NoOwner || options.Roles is not null)
        {
            arguments.Add("--no-owner");
        }

        if (options.NoPrivileges || options.Roles is not null)
        {
            arguments.Add("--no-privileges");
        }

        if (options.NoTablespaces)
        {
            arguments.Add("--no-tablespaces");
        }

        if (options.NoStatistics && options.Tool.Major >= 18)
        {
            arguments.Add("--no-statistics");
        }

        if (folder is not null)
        {
            arguments.Add(ArchiveScript.UseList(folder, part.Entries!));
        }

        return [.. arguments];
    }

    private void Read(string line)
    {
        if (!_messages.Read(line))
        {
            return;
        }

        if (_messages.Quoted.Count > 0)
        {
            // The complaint is complete, for the next step has begun; what follows would be for nothing.
            _stop.Cancel();
            return;
        }

        lock (_gate)
        {
            if (TableData().Match(line) is { Success: true } table)
            {
                var name = table.Groups[1].Value;
                _started++;
                _progress.Report(At(name), _begun, _total);
                _begun += _sizes.GetValueOrDefault(name).Bytes;
            }
            else
            {
                // Nobody can say how long the indexes will take, so behind the last table there is no estimate, and the percentage stays.
                var item = Item().Match(line) is { Success: true } launched ? launched.Groups[1].Value : line["pg_restore: ".Length..];
                _progress.Report(item, _begun, _started < _sizes.Count ? _total : 0);
            }
        }
    }

    private string At(string table) => string.Create(CultureInfo.InvariantCulture, $"table {_started} of {_sizes.Count}: {table}");

    /// <summary>Within a table pg_restore says nothing; the server does.</summary>
    private async Task WatchAsync(PgTarget target, CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(WatchInterval, cancellationToken).ConfigureAwait(false);
            var session = await ServerConnection.OpenAsync(
                target with { ApplicationName = "PgOps progress" }, null, cancellationToken).ConfigureAwait(false);
            await using (session.ConfigureAwait(false))
            {
                while (RunningCopies.AreTold(session))
                {
                    Show(await RunningCopies.ReadAsync(session, target.ApplicationName, cancellationToken).ConfigureAwait(false));
                    await Task.Delay(WatchInterval, cancellationToken).ConfigureAwait(false);
                }
            }
        }
        catch (Exception error) when (error is OperationCanceledException or NpgsqlException or PgOpsException)
        {
            // Where no session is to be had there is less to show.
        }
    }

    private void Show(IReadOnlyList<RunningCopy> copies)
    {
        lock (_gate)
        {
            var open = 0.0;
            (string Name, long Rows, long Of, double Left) slowest = default;
            foreach (var copy in copies)
            {
                var name = $"{copy.Schema}.{copy.Name}";
                var (bytes, rows) = _sizes.GetValueOrDefault(name);
                var left = bytes * (1 - (rows > 0 ? Math.Min(1, (double)copy.Rows / rows) : 0));
                open += left;
                if (slowest.Name is null || left > slowest.Left)
                {
                    slowest = (name, copy.Rows, rows, left);
                }
            }

            if (slowest.Name is not null)
            {
                var (of, rows) = slowest.Of > 0
                    ? (string.Create(CultureInfo.InvariantCulture, $"{slowest.Rows:N0} of "), slowest.Of) : ("", slowest.Rows);
                _progress.Report(
                    string.Create(CultureInfo.InvariantCulture, $"{At(slowest.Name)}, {of}{PgAmount.Of(rows, "row")}"),
                    Math.Max(0, _begun - (long)open),
                    _total);
            }
        }
    }

    [GeneratedRegex(@"^pg_restore: from TOC entry \d+; \d+ \d+ MATERIALIZED VIEW DATA ", RegexOptions.CultureInvariant)]
    private static partial Regex RefreshEntry();

    [GeneratedRegex(@"^pg_restore: (?:launching|finished) item \d+ (.+)$", RegexOptions.CultureInvariant)]
    private static partial Regex Item();

    [GeneratedRegex(@"^pg_restore: processing data for table ""(.*)""$", RegexOptions.CultureInvariant)]
    private static partial Regex TableData();
}
