using System.Globalization;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Text;

namespace PgOps.Core.Reports;

/// <summary>Writes what PgOps' operations found as a report: HTML, Markdown, JUnit's XML, JSON.</summary>
public sealed class ExportReport
{
    /// <summary>Whether a report can be made of an object.</summary>
    /// <param name="record">Anything.</param>
    /// <returns>True for the records of PgOps, for every later one that has checks, and for exceptions.</returns>
    public static bool Reads(object record)
    {
        ArgumentNullException.ThrowIfNull(record);
        return ReportReader.Reads(record);
    }

    /// <summary>
    /// Puts a red report in the place of an earlier one before the work begins, which may take hours and may never end: yesterday's green
    /// one must not be taken for today's. A file of somebody else's stays until the report is there.
    /// </summary>
    /// <param name="request">Where to.</param>
    /// <param name="sink">Receives a log line for each file.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PgOpsException">InvalidArgument: a file's format is not known. PathNotFound, PathInaccessible.</exception>
    public async Task BeginAsync(ExportReportRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        var began =
            $"The work to be reported began {ReportText.Time(DateTime.UtcNow)} in process {Environment.ProcessId} and has not ended.";
        var report = Red(
            request.Title ?? "PgOps report",
            "ended",
            began,
            "While the process runs, wait for it. Otherwise it was ended by an error or from outside: its log says more.");
        await WriteAsync(report, [.. ReportFile.Of(request).Where(file => file.IsFree)], false, sink, cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>Writes the files. Without any record they say that there was none, and count as failed.</summary>
    /// <param name="request">What and where to.</param>
    /// <param name="sink">Receives a log line for each file.</param>
    /// <param name="cancellationToken">Gives up; the file being written is not there then.</param>
    /// <returns>The files, and what is not good in them.</returns>
    /// <exception cref="PgOpsException">InvalidArgument: nothing to report, or a file's format is not known. PathNotFound,
    /// PathInaccessible.</exception>
    public Task<WrittenReport> RunAsync(ExportReportRequest request, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, static () => null, () => WorkAsync(request, sink, cancellationToken));

    private async Task<WrittenReport> WorkAsync(ExportReportRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        var files = ReportFile.Of(request);
        if (request.Records.Count == 0)
        {
            const string nothing = "There is nothing to report: no result came down the pipeline.";
            const string next = "See what the command before Export-PgReport gives, and whether there is anything that it could work on.";
            await WriteAsync(Red(request.Title ?? "PgOps report", "results", nothing, next), files, request.Force, sink, cancellationToken)
                .ConfigureAwait(false);
            throw new PgOpsException(
                PgErrorCode.InvalidArgument, nothing, $"The report says so, and counts as failed: {Names(files)}.", next);
        }

        var report = Compose(request.Records, request.Title);
        await WriteAsync(report, files, request.Force, sink, cancellationToken).ConfigureAwait(false);
        return new WrittenReport([.. files.Select(file => new FileInfo(file.Path))], Refusal(report, files));
    }

    private static async Task WriteAsync(
        Report report, IReadOnlyList<ReportFile> files, bool force, IOperationSink sink, CancellationToken cancellationToken)
    {
        foreach (var file in files)
        {
            var text = file.Format switch
            {
                PgReportFormat.Html => HtmlReport.Write(report),
                PgReportFormat.Markdown => MarkdownReport.Write(report),
                PgReportFormat.JUnit => JUnitReport.Write(report),
                _ => JsonReport.Write(report),
            };
            await file.WriteAsync(text, force, cancellationToken).ConfigureAwait(false);
            sink.Log.ReportWritten(file.Path);
        }
    }

    /// <summary>What -Strict says of a report that is not green.</summary>
    private static PgOpsException? Refusal(Report report, IReadOnlyList<ReportFile> files)
        => report.Outcome == ReportOutcome.Passed ? null : new PgOpsException(
            PgErrorCode.CheckFailed,
            string.Join('\n', report.Results.Where(result => result.Outcome != ReportOutcome.Passed).Select(Said)
                .Prepend($"{report.Title}: {Said(report.Outcome)}.")),
            $"The report was written: {Names(files)}.",
            $"Read every check in it: Invoke-Item {CommandText.Argument(files[0].Path)}");

    private static string Said(ReportResult result)
    {
        var bad = result.Outcome == ReportOutcome.Failed ? PgCheckStatus.Failed : PgCheckStatus.Skipped;
        var checks = result.Kind == "error" ? [] : result.Checks.Where(check => check.Status == bad);
        return string.Join(
            '\n', checks.Select(check => $"    {check.Name}: {check.Detail}").Prepend($"  {result.Title}: {result.Summary}"));
    }

    private static string Names(IReadOnlyList<ReportFile> files) => string.Join(", ", files.Select(file => file.Path));

    private static Report Red(string title, string check, string problem, string next)
    {
        var text = new ReportText([]);
        return Of(text.Clean(title), problem, [new ReportResult
        {
            Kind = "error",
            Subject = "",
            Title = "Nothing was reported",
            Outcome = ReportOutcome.Failed,
            Summary = problem,
            Checks = [PgCheck.Fail(check, $"{problem} {next}")],
        }]);
    }

    private static Report Of(string title, string summary, IReadOnlyList<ReportResult> results) => new()
    {
        Title = title,
        Summary = summary,
        CreatedAt = DateTime.UtcNow,
        CreatedBy = Environment.UserName,
        CreatedOn = Environment.MachineName,
        PgOpsVersion = PgOpsVersion.Current,
        Results = results,
    };

    internal static Report Compose(IReadOnlyList<object> given, string? title)
    {
        // With -Strict a result is followed by an error about itself; one of the two is enough.
        var records = given.Where(record => record is not PgOpsException { Subject: { } subject }
            || !given.Contains(subject, ReferenceEqualityComparer.Instance)).ToList();
        var text = new ReportText(records.SelectMany(RecordFacts.Targets));
        var results = new ReportReader(text).Read(records).ToList();
        return Of(
            text.Clean(title ?? (results.Count == 1 ? results[0].Title : $"PgOps report: {PgAmount.Of(results.Count, "result")}")),
            results.Count == 1 ? results[0].Summary : Summary(results),
            results);
    }

    private static string Summary(List<ReportResult> results)
    {
        var counts = Enum.GetValues<ReportOutcome>().OrderDescending()
            .Select(outcome => (Outcome: outcome, Titles: results.Where(result => result.Outcome == outcome).Select(result => result.Title)
                .ToList()))
            .Where(group => group.Titles.Count > 0).ToList();
        if (counts is [(ReportOutcome.Passed, _)])
        {
            return $"All {PgAmount.Of(results.Count, "result")} passed.";
        }

        return string.Join(' ', counts.Select(group => string.Create(
            CultureInfo.InvariantCulture,
            $"{group.Titles.Count} of {results.Count} {Said(group.Outcome)}{(group.Outcome == ReportOutcome.Passed ? "" : $": {Some(group.Titles)}")}.")));
    }

    private static string Said(ReportOutcome outcome) => outcome switch
    {
        ReportOutcome.Passed => "passed",
        ReportOutcome.Failed => "failed",
        _ => "incomplete",
    };

    private static string Some(List<string> titles)
        => NameList.InSentence(titles);
}
