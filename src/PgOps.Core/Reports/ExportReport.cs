using System.Globalization;
using Microsoft.Extensions.Logging;
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

    /// <summary>Writes the files.</summary>
    /// <param name="request">What and where to.</param>
    /// <param name="sink">Receives a log line for each file.</param>
    /// <param name="cancellationToken">Gives up; the file being written is not there then.</param>
    /// <returns>The files.</returns>
    /// <exception cref="PgOpsException">InvalidArgument: nothing to report, or a file's format is not known. PathNotFound, PathInaccessible.</exception>
    public async Task<IReadOnlyList<FileInfo>> RunAsync(ExportReportRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        var files = ReportFile.Of(request);
        var report = Compose(request.Records, request.Title);
        foreach (var file in files)
        {
            var text = file.Format switch
            {
                PgReportFormat.Html => HtmlReport.Write(report),
                PgReportFormat.Markdown => MarkdownReport.Write(report),
                PgReportFormat.JUnit => JUnitReport.Write(report),
                _ => JsonReport.Write(report),
            };
            await file.WriteAsync(text, request.Force, cancellationToken).ConfigureAwait(false);
            sink.Log.LogDebug("Wrote {File}", file.Path);
        }

        return [.. files.Select(file => new FileInfo(file.Path))];
    }

    internal static Report Compose(IReadOnlyList<object> given, string? title)
    {
        // With -Strict a result is followed by an error about itself; one of the two is enough.
        var records = given.Where(record => record is not PgOpsException { Subject: { } subject } || !given.Contains(subject, ReferenceEqualityComparer.Instance)).ToList();
        if (records.Count == 0)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                "There is nothing to report: no result came down the pipeline.",
                "Nothing was written, for an empty report would look like a good one.",
                "See what the command before Export-PgReport gives; with 2>&1 its errors come along.");
        }

        var text = new ReportText(records.SelectMany(RecordFacts.Targets));
        var results = new ReportReader(text).Read(records).ToList();
        return new Report
        {
            Title = text.Clean(title ?? (results.Count == 1 ? results[0].Title : $"PgOps report: {results.Count} results")),
            Summary = results.Count == 1 ? results[0].Summary : Summary(results),
            CreatedAt = DateTime.UtcNow,
            CreatedBy = Environment.UserName,
            CreatedOn = Environment.MachineName,
            PgOpsVersion = PgOpsVersion.Current,
            Results = results,
        };
    }

    private static string Summary(List<ReportResult> results)
    {
        var counts = Enum.GetValues<ReportOutcome>().OrderDescending()
            .Select(outcome => (Outcome: outcome, Titles: results.Where(result => result.Outcome == outcome).Select(result => result.Title).ToList()))
            .Where(group => group.Titles.Count > 0).ToList();
        if (counts is [(ReportOutcome.Passed, _)])
        {
            return $"All {results.Count} results passed.";
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
