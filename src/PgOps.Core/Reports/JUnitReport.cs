using System.Globalization;
using System.Text;
using System.Xml.Linq;

namespace PgOps.Core.Reports;

/// <summary>
/// The report in JUnit's XML as Ant wrote it first (https://github.com/windyroad/JUnit-Schema), which GitHub, GitLab, Azure DevOps and
/// Jenkins read: a suite for each result, a test case for each check.
/// </summary>
internal static class JUnitReport
{
    internal static string Write(Report report)
        => $"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n{ReportMark.Comment}\n{new XElement("testsuites", report.Results.Select((result, i) => Suite(report, result, i)))}\n";

    private static XElement Suite(Report report, ReportResult result, int index) => new(
        "testsuite",
        new XAttribute("name", Line(result.Title)),
        new XAttribute("package", "pgops." + result.Kind),
        new XAttribute("id", index),
        new XAttribute("timestamp", (result.StartedAt ?? report.CreatedAt).ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture)),
        new XAttribute("hostname", Line(report.CreatedOn)),
        new XAttribute("tests", Cases(result).Count),
        new XAttribute("failures", Number(result, PgCheckStatus.Failed)),
        new XAttribute("errors", 0),
        new XAttribute("skipped", Number(result, PgCheckStatus.Skipped)),
        new XAttribute("time", Seconds(result.Duration ?? default)),
        new XElement(
            "properties",
            new ReportFact[] { new("outcome", result.Outcome), new("pgOpsVersion", report.PgOpsVersion) }.Concat(result.Facts)
                .Select(
                    fact => new XElement("property", new XAttribute("name", fact.Name), new XAttribute("value", ReportText.Show(fact))))),
        Cases(result).Select(check => Case(result, check)),
        new XElement("system-out", Said(result)),
        new XElement("system-err", string.Join('\n', result.Remarks)));

    // A suite without cases counts as green everywhere; a result that failed without a failed check must not.
    private static List<PgCheck> Cases(ReportResult result)
    {
        List<PgCheck> checks = [.. result.Checks];
        if (checks.Count == 0)
        {
            checks.Add(PgCheck.Skip(PgCheckName.Checks, result.Summary));
        }

        if (result.Outcome == ReportOutcome.Failed && !checks.Exists(check => check.Status == PgCheckStatus.Failed))
        {
            checks.Add(PgCheck.Fail(PgCheckName.Passed, result.Summary));
        }

        return checks;
    }

    private static XElement Case(ReportResult result, PgCheck check) => new(
        "testcase",
        new XAttribute("name", Line(check.Name)),
        new XAttribute("classname", Line($"pgops.{result.Kind}.{result.Subject}")),
        new XAttribute("time", Seconds(check.Duration)),
        check.Status switch
        {
            PgCheckStatus.Failed => new XElement(
                "failure",
                new XAttribute("message", Line(check.Detail)),
                new XAttribute("type", "PgCheck"),
                string.Join('\n', result.Tables.Where(table => ReportText.Status(table.Verdict) == PgCheckStatus.Failed).Select(Said)
                    .Prepend(check.Detail))),
            PgCheckStatus.Skipped => new XElement("skipped", new XAttribute("message", Line(check.Detail))),
            _ => null,
        });

    private static string Said(ReportResult result)
    {
        var said = new StringBuilder(result.Summary).Append('\n');
        foreach (var check in result.Checks)
        {
            said.Append(CultureInfo.InvariantCulture, $"{check}\n");
        }

        foreach (var table in result.Tables)
        {
            said.Append(Said(table)).Append('\n');
        }

        return said.ToString();
    }

    private static string Said(ReportTable table) => string.Create(
        CultureInfo.InvariantCulture,
        $"{table.Schema}.{table.Name}: {ReportText.Show(table.Verdict)}; rows {table.ExpectedRows}/{table.FoundRows}; hash {table.ExpectedHash}/{table.FoundHash}");

    private static int Number(ReportResult result, PgCheckStatus status) => Cases(result).Count(check => check.Status == status);

    private static string Line(string text) => text.Length == 0 ? "-" : text.Replace('\n', ' ');

    private static string Seconds(TimeSpan span) => span.TotalSeconds.ToString("0.000", CultureInfo.InvariantCulture);
}
