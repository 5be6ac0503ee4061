using System.Globalization;
using System.Text;

namespace PgOps.Core.Reports;

/// <summary>The report as Markdown: a job's summary, a wiki page, a ticket.</summary>
internal static class MarkdownReport
{
    // Longer lists fold away; GitHub and GitLab show the element.
    private const int Folded = 12;

    internal static string Write(Report report)
    {
        var page = new StringBuilder();
        Line(page, $"# {Escape(report.Title)}\n");
        Line(page, $"**{Mark(report.Outcome)}** {Escape(report.Summary)}\n");
        if (report.Results.Count > 1)
        {
            Line(page, MarkdownText.Table(
                ["Result", "What", "Began", "Took", "In words"],
                report.Results.Select(result => new[]
                {
                    Mark(result.Outcome), Escape(result.Title), Time(result.StartedAt), ReportText.SpanOrNothing(result.Duration),
                    Escape(result.Summary),
                })));
        }

        foreach (var result in report.Results)
        {
            Write(page, result, report.Results.Count > 1);
        }

        Line(page, $"---\n{Escape($"PgOps {report.PgOpsVersion} on {report.CreatedOn}, as {report.CreatedBy}, "
            + $"{ReportText.Time(report.CreatedAt)}.")}\n\n{ReportMark.Comment}");
        return page.ToString();
    }

    private static void Write(StringBuilder page, ReportResult result, bool oneOfMany)
    {
        Line(page, $"## {Escape(result.Title)}\n");
        if (oneOfMany)
        {
            Line(page, $"**{Mark(result.Outcome)}** {Escape(result.Summary)}\n");
        }

        if (result.Checks.Count > 0)
        {
            Line(page, "### Checks\n");
            Line(page, MarkdownText.Table(
                ["Check", "Result", "Took", "What was found"],
                result.Checks.Select(check => new[]
                {
                    Escape(check.Name),
                    Mark(check.Status),
                    ReportText.SpanOrNothing(check.Duration),
                    Escape(check.Detail),
                })));
        }

        Fold(page, "Tables", result.Tables.Count, MarkdownText.Table(
            ["Table", "Result", "Rows expected", "Rows found", "Content hash expected", "Content hash found"],
            result.Tables.OrderByDescending(table => ReportText.Status(table.Verdict) == PgCheckStatus.Failed).Select(table => new[]
            {
                Escape($"{table.Schema}.{table.Name}"),
                $"{Mark(ReportText.Status(table.Verdict)).Split(' ')[0]} {ReportText.Show(table.Verdict)}",
                Number(table.ExpectedRows), Number(table.FoundRows), Hash(table.ExpectedHash), Hash(table.FoundHash),
            })));
        Fold(page, "Migrations", result.Migrations.Count, MarkdownText.Table(
            ["Version", "Name", "State", "When", "Took", "By", "SHA-256", "Backup"],
            result.Migrations.Select(migration => new[]
            {
                Escape(migration.Version), Escape(migration.Name), migration.State, Time(migration.AppliedAt),
                ReportText.SpanOrNothing(migration.Duration),
                Escape(migration.AppliedBy ?? ""), Hash(migration.Checksum), Escape(migration.BackupId ?? ""),
            })));
        if (result.Remarks.Count > 0)
        {
            Line(page, $"### Remarks\n\n{string.Concat(result.Remarks.Select(remark => $"- {Escape(remark)}\n"))}");
        }

        Fold(page, "Facts", result.Facts.Count, MarkdownText.Table(
            ["Fact", "Value"],
            result.Facts.Select(fact => new[] { ReportText.Words(fact.Name), Escape(ReportText.Show(fact)) })));
    }

    private static void Fold(StringBuilder page, string title, int count, string table)
    {
        if (count > Folded)
        {
            Line(page, string.Create(
                CultureInfo.InvariantCulture, $"<details><summary>{title} ({count})</summary>\n\n{table}\n</details>\n"));
        }
        else if (count > 0)
        {
            Line(page, $"### {title}\n\n{table}");
        }
    }

    internal static string Mark(ReportOutcome outcome) => outcome switch
    {
        ReportOutcome.Passed => "✅ Passed.",
        ReportOutcome.Failed => "❌ Failed.",
        _ => "⚠️ Incomplete.",
    };

    private static string Mark(PgCheckStatus status) => status switch
    {
        PgCheckStatus.Passed => "✅ passed",
        PgCheckStatus.Failed => "❌ failed",
        _ => "⏭️ not made",
    };

    private static string Escape(string text) => MarkdownText.Escape(text);

    private static string Time(DateTime? time) => time is { } known ? ReportText.Time(known) : "";

    private static string Number(long? number) => number?.ToString("N0", CultureInfo.InvariantCulture) ?? "";

    private static string Hash(string? hash) => hash is null ? "" : $"`{hash}`";

    private static void Line(StringBuilder page, string text) => page.Append(text).Append('\n');
}
