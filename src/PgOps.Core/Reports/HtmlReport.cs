using System.Globalization;
using System.Xml.Linq;
using PgOps.Core.Common.Text;

namespace PgOps.Core.Reports;

/// <summary>
/// The report as one page of HTML that loads nothing and runs nothing. It is built as a tree, so that text can only ever be text; no
/// fact is told by colour alone.
/// </summary>
internal static class HtmlReport
{
    // A bar of this many per cent can still be seen.
    private const double NarrowestBar = 0.8;

    internal static string Write(Report report)
    {
        var page = new XElement(
            "html",
            new XAttribute("lang", "en"),
            new XElement(
                "head",
                new XElement("meta", new XAttribute("charset", "utf-8")),
                Meta("viewport", "width=device-width, initial-scale=1"),
                Meta("color-scheme", "light dark"),
                Meta("generator", $"PgOps {report.PgOpsVersion}"),
                new XElement(
                    "meta", new XAttribute("http-equiv", "Content-Security-Policy"),
                    new XAttribute("content", "default-src 'none'; style-src 'unsafe-inline'")),
                E("title", report.Title),
                E("style", HtmlStyle.Text)),
            E(
                "body",
                E("header", E("h1", report.Title), Verdict(report.Outcome, report.Summary, "verdict"), Tiles(report)),
                E("main", report.Results.Count > 1
                    ? Overview(report)
                    : null, report.Results.Select((result, i) => Section(result, i, report.Results.Count > 1))),
                E(
                    "footer",
                    $"Written by PgOps {report.PgOpsVersion} on {report.CreatedOn}, as {report.CreatedBy}, "
                        + $"{ReportText.Time(report.CreatedAt)}. All times are in UTC.")));
        return $"<!DOCTYPE html>\n{ReportMark.Comment}\n{page}\n";
    }

    private static XElement Tiles(Report report)
    {
        var checks = report.Results.SelectMany(result => result.Checks).ToList();
        var tables = report.Results.SelectMany(result => result.Tables).ToList();
        return E(
            "dl",
            C("tiles"),
            Tile("Checks passed", checks.Count(check => check.Status == PgCheckStatus.Passed)),
            Tile("Checks failed", checks.Count(check => check.Status == PgCheckStatus.Failed)),
            Tile("Checks not made", checks.Count(check => check.Status == PgCheckStatus.Skipped)),
            tables.Count == 0 ? null : Tile("Tables compared and equal", tables.Count(table => table.Verdict == PgTableVerdict.Equal)),
            tables.Count == 0
                ? null
                : Tile("Tables that differ", tables.Count(table => ReportText.Status(table.Verdict) == PgCheckStatus.Failed)));
    }

    private static XElement Tile(string name, int number)
        => E("div", E("dt", name), E("dd", number.ToString("N0", CultureInfo.InvariantCulture)));

    /// <summary>All results on one time line.</summary>
    private static XElement Overview(Report report)
    {
        var placed = report.Results.Where(result => result.StartedAt is not null).ToList();
        var start = placed.Count == 0 ? default : placed.Min(result => result.StartedAt!.Value);
        var whole = placed.Count == 0 ? default : placed.Max(result => result.StartedAt!.Value + (result.Duration ?? default)) - start;
        return E(
            "section",
            E("h2", "Overview"),
            Table(
                "All results, with their place in time",
                ["Result", "What", "Began", "Took", "Time line"],
                report.Results.Select((result, i) => (IEnumerable<XElement>)
                [
                    E("td", Badge(result.Outcome)),
                    E("th", Scope("row"), E("a", new XAttribute("href", $"#result-{i + 1}"), result.Title)),
                    E("td", C("time"), result.StartedAt is { } time ? ReportText.Time(time) : ""),
                    E("td", C("number"), result.Duration is { } took ? SpanText.Measured(took) : ""),
                    E("td", C("line"), result.StartedAt is { } at
                        ? Bar(at - start, result.Duration ?? default, whole, result.Outcome.ToString())
                        : null),
                ])));
    }

    private static XElement Section(ReportResult result, int index, bool oneOfMany) => E(
        "section",
        new XAttribute("id", $"result-{index + 1}"),
        E("h2", result.Title),
        oneOfMany ? Verdict(result.Outcome, result.Summary, "outcome") : null,
        result.StartedAt is { } at
            ? E("p", C("when"), $"Began {ReportText.Time(at)}{(result.Duration is { } took ? $", took {SpanText.Measured(took)}" : "")}.")
            : null,
        result.Checks.Count == 0 ? null : Checks(result),
        result.Tables.Count == 0 ? null : Tables(result),
        result.Migrations.Count == 0 ? null : Migrations(result),
        result.Remarks.Count == 0 ? null : new[] { E("h3", "Remarks"), E("ul", result.Remarks.Select(remark => E("li", remark))) },
        result.Facts.Count == 0 ? null : Facts(result));

    /// <summary>The checks in their order, each one's share of the time as a bar behind those before it.</summary>
    private static XElement[] Checks(ReportResult result)
    {
        var whole = TimeSpan.FromTicks(result.Checks.Sum(check => check.Duration.Ticks));
        var timed = whole > TimeSpan.Zero;
        var before = TimeSpan.Zero;
        string[] headers = ["Result", "Check", "What was found", .. timed ? new[] { "Took", "Time line" } : []];
        return
        [
            E("h3", "Checks"),
            Table($"Checks of {result.Title}", headers, result.Checks.Select(check =>
            {
                var start = before;
                before += check.Duration;
                return (IEnumerable<XElement>)
                [
                    E("td", Badge(check.Status)),
                    E("th", Scope("row"), C("check"), check.Name),
                    E("td", C("detail"), check.Detail),
                    .. timed
                        ? new[]
                        {
                            E("td", C("number"), ReportText.SpanOrNothing(check.Duration)),
                            E("td", C("line"), check.Duration == default
                                ? null
                                : Bar(start, check.Duration, whole, check.Status.ToString())),
                        }
                        : [],
                ];
            })),
        ];
    }

    private static XElement[] Tables(ReportResult result)
    {
        var compared = result.Tables.Any(table => table.Verdict is not null);
        string[] headers = compared
            ? ["Result", "Table", "Rows expected", "Rows found", "Content hash expected", "Content hash found"]
            : ["Table", "Rows", "Content hash"];
        return
        [
            E("h3", $"Tables ({result.Tables.Count:N0})"),
            Table($"Tables of {result.Title}", headers, result.Tables
                .OrderByDescending(table => ReportText.Status(table.Verdict) == PgCheckStatus.Failed)
                .Select(table => (IEnumerable<XElement>)
                [
                    .. compared ? new[] { E("td", Badge(ReportText.Status(table.Verdict), ReportText.Show(table.Verdict))) } : [],
                    E("th", Scope("row"), $"{table.Schema}.{table.Name}"),
                    Number(table.ExpectedRows),
                    .. compared ? new[] { Number(table.FoundRows) } : [],
                    Hash(table.ExpectedHash),
                    .. compared ? new[] { Hash(table.FoundHash) } : [],
                ])),
        ];
    }

    private static XElement[] Migrations(ReportResult result) =>
    [
        E("h3", "Migrations"),
        Table(
            $"Migrations of {result.Title}",
            ["Version", "Name", "State", "When", "Took", "By", "SHA-256 of the script", "Backup behind it"],
            result.Migrations.Select(migration => (IEnumerable<XElement>)
            [
                E("th", Scope("row"), migration.Version),
                E("td", migration.Name),
                E("td", migration.State),
                E("td", C("time"), migration.AppliedAt is { } at ? ReportText.Time(at) : ""),
                E("td", C("number"), migration.Duration is { } took ? SpanText.Measured(took) : ""),
                E("td", migration.AppliedBy),
                Hash(migration.Checksum),
                Hash(migration.BackupId),
            ])),
    ];

    private static XElement Facts(ReportResult result) => E(
        "details",
        new XAttribute("open", ""),
        E("summary", "Facts for the record"),
        E("dl", C("facts"), result.Facts.Select(fact => E("div", E("dt", ReportText.Words(fact.Name)), E("dd", ReportText.Show(fact))))));

    /// <summary>A table that scrolls by itself, by keyboard too, where the screen is narrow.</summary>
    private static XElement Table(string caption, IEnumerable<string> headers, IEnumerable<IEnumerable<XElement>> rows) => E(
        "div",
        C("scroll"),
        new XAttribute("role", "region"),
        new XAttribute("tabindex", "0"),
        new XAttribute("aria-label", caption),
        E(
            "table",
            E("caption", caption),
            E("thead", E("tr", headers.Select(header => E("th", Scope("col"), Look(header), header)))),
            E("tbody", rows.Select(row => E("tr", row)))));

    private static XAttribute? Look(string header) => header switch
    {
        "Took" or "Rows" or "Rows expected" or "Rows found" => C("number"),
        "Time line" => C("line"),
        _ => null,
    };

    private static XElement Bar(TimeSpan start, TimeSpan length, TimeSpan whole, string look)
    {
        var width = whole > TimeSpan.Zero ? Math.Max(NarrowestBar, 100 * (length / whole)) : NarrowestBar;
        var left = whole > TimeSpan.Zero ? Math.Min(100 - width, 100 * (start / whole)) : 0;
        return E(
            "span",
            C($"bar {look}"),
            new XAttribute("aria-hidden", "true"),
            new XAttribute("style", string.Create(CultureInfo.InvariantCulture, $"margin-left:{left:0.##}%;width:{width:0.##}%")));
    }

    private static XElement Verdict(ReportOutcome outcome, string summary, string look)
        => E("p", C($"{look} {outcome}"), Badge(outcome), " ", E("span", C("words"), summary));

    private static XElement Badge(ReportOutcome outcome) => outcome switch
    {
        ReportOutcome.Passed => Badge(PgCheckStatus.Passed, "Passed"),
        ReportOutcome.Failed => Badge(PgCheckStatus.Failed, "Failed"),
        _ => Badge(PgCheckStatus.Skipped, "Incomplete"),
    };

    private static XElement Badge(PgCheckStatus status, string? words = null)
    {
        var (sign, word) = status switch
        {
            PgCheckStatus.Passed => ("✓", "passed"),
            PgCheckStatus.Failed => ("✗", "failed"),
            _ => ("–", "not made"),
        };
        return E("span", C($"badge {status}"), E("span", new XAttribute("aria-hidden", "true"), sign), $" {words ?? word}");
    }

    private static XElement Number(long? number) => E("td", C("number"), number?.ToString("N0", CultureInfo.InvariantCulture));

    private static XElement Hash(string? hash) => E("td", C("hash"), hash);

    private static XAttribute C(string look) => new("class", look);

    private static XAttribute Scope(string scope) => new("scope", scope);

    private static XElement Meta(string name, string content)
        => new("meta", new XAttribute("name", name), new XAttribute("content", content));

    /// <summary>An element that is never written as an empty tag, which HTML would take for an open one.</summary>
    private static XElement E(string name, params object?[] content) => new(name, content, "");
}
