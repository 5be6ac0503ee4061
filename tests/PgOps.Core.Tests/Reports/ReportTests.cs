using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using PgOps.Core.Reports;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Reports;

public sealed partial class ReportTests : IDisposable
{
    private static readonly object[] Everything =
    [
        ReportSamples.Mixed, ReportSamples.Backup, ReportSamples.Run, ReportSamples.Error,
        new PgLaterThing { Checks = [PgCheck.Pass("one", "fine")] },
    ];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_page_loads_nothing_runs_nothing_and_shows_names_as_text()
    {
        var html = HtmlReport.Write(ExportReport.Compose(Everything, ReportSamples.Evil));
        Assert.StartsWith("<!DOCTYPE html>", html, StringComparison.Ordinal);
        Assert.DoesNotContain("/>", HtmlVoid().Replace(html, ""), StringComparison.Ordinal);

        // It is a tree of ours, so a name that became markup would show up as an element or an attribute.
        var page = XElement.Parse(html["<!DOCTYPE html>".Length..]);
        string[] known =
        [
            "html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section", "h1", "h2", "h3", "p", "span", "a",
            "dl",
            "dt", "dd", "div", "table", "caption", "thead", "tbody", "tr", "th", "td", "ul", "li", "details", "summary",
        ];
        Assert.Empty(page.DescendantsAndSelf().Select(element => element.Name.LocalName).Except(known));
        Assert.All(page.Descendants().Attributes("href"), link => Assert.StartsWith("#", link.Value, StringComparison.Ordinal));
        Assert.DoesNotContain(page.Descendants().Attributes(), attribute => attribute.Name.LocalName is "src" or "srcset"
            || attribute.Name.LocalName.StartsWith("on", StringComparison.Ordinal));
        Assert.DoesNotContain("url(", page.Descendants("style").Single().Value, StringComparison.Ordinal);
        Assert.DoesNotContain("@import", page.Descendants("style").Single().Value, StringComparison.Ordinal);
        Assert.Contains(page.Descendants("th"), cell => cell.Value == "public.<script>alert(1)</script> | ]]> `x` *y* & \\u{202E}z");
        Assert.All(page.Descendants("table"), table =>
        {
            var width = table.Element("thead")!.Descendants("th").Count();
            Assert.All(table.Element("thead")!.Descendants("th"), header => Assert.Equal("col", header.Attribute("scope")?.Value));
            Assert.All(table.Element("tbody")!.Elements("tr"), row => Assert.Equal(width, row.Elements().Count()));
            Assert.NotEmpty(table.Element("caption")!.Value);
        });
        Assert.Contains("prefers-color-scheme: dark", html, StringComparison.Ordinal);
    }

    [Fact]
    public void A_badge_says_in_words_what_its_colour_says()
    {
        var page = XElement.Parse(HtmlReport.Write(ExportReport.Compose([ReportSamples.Mixed], null))["<!DOCTYPE html>".Length..]);
        var words = new Dictionary<string, string[]>
        {
            ["badge Passed"] = ["passed", "equal"],
            ["badge Failed"] = ["failed", "row count differs", "Failed"],
            ["badge Skipped"] = ["not made", "same count, content not compared"],
        };
        var badges = page.Descendants("span")
            .Where(span => span.Attribute("class")?.Value.StartsWith("badge", StringComparison.Ordinal) == true).ToList();
        Assert.Equal(7, badges.Count);
        Assert.All(badges, badge => Assert.Contains(badge.Value[2..], words[badge.Attribute("class")!.Value]));
    }

    [Fact]
    public void JUnit_has_a_case_for_each_check_and_a_skipped_one_is_skipped()
    {
        var suites = XElement.Parse(JUnitReport.Write(ExportReport.Compose(Everything, null)).Split('\n', 2)[1]).Elements("testsuite")
            .ToList();
        Assert.Equal(Everything.Length, suites.Count);
        Assert.All(suites, suite =>
        {
            var cases = suite.Elements("testcase").ToList();
            Assert.NotEmpty(cases);
            Assert.Equal($"{cases.Count}", suite.Attribute("tests")!.Value);
            Assert.Equal($"{cases.Count(test => test.Element("failure") is not null)}", suite.Attribute("failures")!.Value);
            Assert.Equal($"{cases.Count(test => test.Element("skipped") is not null)}", suite.Attribute("skipped")!.Value);
            Assert.Matches("^[0-9-]{10}T[0-9:]{8}$", suite.Attribute("timestamp")!.Value);
            Assert.Equal(
                ["properties", "testcase", "system-out", "system-err"],
                suite.Elements().Select(element => element.Name.LocalName).Distinct());
        });
        Assert.Equal(
            ["hashes:", "row-counts:failure", "statistics:skipped"],
            suites[0].Elements("testcase")
                .Select(test => $"{test.Attribute("name")!.Value}:{test.Elements().SingleOrDefault()?.Name.LocalName}"));
        Assert.Equal(["complete:", "proven:skipped"], suites[1].Elements("testcase")
            .Select(test => $"{test.Attribute("name")!.Value}:{test.Elements().SingleOrDefault()?.Name.LocalName}"));
        Assert.Contains("public.<script>", suites[0].Descendants("failure").Single().Value, StringComparison.Ordinal);
    }

    [Fact]
    public void JUnit_is_never_green_where_nothing_was_checked_or_the_record_says_no()
    {
        var suites = XElement.Parse(JUnitReport.Write(ExportReport.Compose(
            [new PgLaterThing(), new PgLaterThing { Checks = [PgCheck.Pass("one", "fine"), PgCheck.Fail("two", "wrong")] }],
            null)).Split('\n', 2)[1]).Elements().ToList();
        Assert.Single(suites[0].Descendants("skipped"));
        Assert.Single(suites[1].Descendants("failure"));
    }

    [Fact]
    public void Markdown_keeps_its_tables_whatever_the_names_are()
    {
        var markdown = MarkdownReport.Write(ExportReport.Compose(Everything, ReportSamples.Evil));
        var width = 0;
        var tables = 0;
        foreach (var line in markdown.Split('\n'))
        {
            if (!line.StartsWith('|'))
            {
                Assert.DoesNotContain("<script", line, StringComparison.Ordinal);
                width = 0;
                continue;
            }

            var cells = UnescapedPipe().Count(line);
            tables += width == 0 ? 1 : 0;
            width = width == 0 ? cells : width;
            Assert.Equal(width, cells);
        }

        Assert.InRange(tables, 8, 99);
        Assert.Contains(
            "&lt;script&gt;alert(1)&lt;/script&gt; \\| \\]\\]&gt; \\`x\\` \\*y\\* &amp; \\\\u\\{202E\\}z",
            markdown,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Json_has_the_names_that_are_documented()
    {
        using var json = JsonDocument.Parse(JsonReport.Write(ExportReport.Compose(Everything, null)));
        var report = json.RootElement;
        Assert.Equal(
            ["format", "title", "outcome", "summary", "createdAt", "createdBy", "createdOn", "pgOpsVersion", "results"], Names(report));
        Assert.Equal("pgops-report/1", report.GetProperty("format").GetString());
        Assert.Equal("failed", report.GetProperty("outcome").GetString());
        var results = report.GetProperty("results").EnumerateArray().ToList();
        Assert.Equal(
            ["drill", "backup", "migration-run", "error", "later-thing"],
            results.ConvertAll(result => result.GetProperty("kind").GetString()!));
        Assert.Equal(
            ["failed", "incomplete", "passed", "failed", "passed"],
            results.ConvertAll(result => result.GetProperty("outcome").GetString()!));
        Assert.Equal(
            ["kind", "subject", "title", "outcome", "summary", "startedAt", "duration", "facts", "checks", "tables",
             "migrations", "remarks"],
            Names(results[0]));
        Assert.Equal(12, results[0].GetProperty("duration").GetDouble());
        Assert.Equal("2026-11-19T03:00:00Z", results[0].GetProperty("startedAt").GetString());
        Assert.Equal("skipped", results[0].GetProperty("checks")[2].GetProperty("status").GetString());
        Assert.Equal("rowsDiffer", results[0].GetProperty("tables")[1].GetProperty("verdict").GetString());
        Assert.Equal(
            ["schema", "name", "verdict", "expectedRows", "foundRows", "expectedHash", "foundHash"],
            Names(results[0].GetProperty("tables")[0]));
    }

    [Fact]
    public void A_result_passes_only_when_every_check_was_made_and_passed()
    {
        Assert.Equal(ReportOutcome.Passed, Outcome(ReportSamples.Drill(ReportSamples.Content)));
        Assert.Equal(ReportOutcome.Incomplete, Outcome(ReportSamples.Drill(ReportSamples.Content, PgCheck.Skip("indexes", "no time"))));
        Assert.Equal(ReportOutcome.Incomplete, Outcome(ReportSamples.Drill()));
        Assert.Equal(ReportOutcome.Failed, Outcome(ReportSamples.Mixed));
        Assert.Equal(ReportOutcome.Incomplete, Outcome(new PgTargetTest { Target = ReportSamples.Target }));
        Assert.Equal(ReportOutcome.Passed, Outcome(ReportSamples.Backup with { Proven = true }));
        Assert.Equal(ReportOutcome.Failed, Outcome(ReportSamples.Backup with { Complete = false }));
        Assert.Equal(ReportOutcome.Incomplete, Outcome(ReportSamples.Run with { StillPending = 2 }));
        Assert.Equal(
            ReportOutcome.Failed, ExportReport.Compose([ReportSamples.Drill(ReportSamples.Content), ReportSamples.Error], null).Outcome);
    }

    // The drill's badges count too: one that was not wholly made is not a green one, in any format.
    [Fact]
    public void What_was_not_made_or_failed_is_passed_in_no_format()
    {
        var report = ExportReport.Compose(
            [ReportSamples.Drill(ReportSamples.Content, PgCheck.Skip("amcheck", "no extension"), PgCheck.Fail("sequences", "moved"))],
            null);

        var page = XElement.Parse(HtmlReport.Write(report)["<!DOCTYPE html>".Length..]);
        Assert.Equal("badge Skipped", HtmlBadge("amcheck"));
        Assert.Equal("badge Failed", HtmlBadge("sequences"));
        Assert.Equal("badge Passed", HtmlBadge("content"));
        var lines = MarkdownReport.Write(report).Split('\n').Where(line => line.StartsWith('|')).ToList();
        Assert.Contains(
            " not made |", lines.Single(line => line.StartsWith("| amcheck ", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains(
            "failed", lines.Single(line => line.StartsWith("| sequences ", StringComparison.Ordinal)), StringComparison.Ordinal);
        var cases = XElement.Parse(JUnitReport.Write(report).Split('\n', 2)[1]).Descendants("testcase")
            .ToDictionary(test => test.Attribute("name")!.Value);
        Assert.Equal(["skipped"], cases["amcheck"].Elements().Select(element => element.Name.LocalName));
        Assert.Equal(["failure"], cases["sequences"].Elements().Select(element => element.Name.LocalName));
        using var json = JsonDocument.Parse(JsonReport.Write(report));
        Assert.Equal(
            ["content:passed", "amcheck:skipped", "sequences:failed"],
            json.RootElement.GetProperty("results")[0].GetProperty("checks").EnumerateArray()
                .Select(check => $"{check.GetProperty("name")}:{check.GetProperty("status")}"));

        string HtmlBadge(string check) => page.Descendants("tr").Single(row => row.Element("th")?.Value == check)
            .Descendants("span").Single(span => span.Attribute("class")?.Value.StartsWith("badge", StringComparison.Ordinal) == true)
                .Attribute("class")!.Value;
    }

    [Fact]
    public void No_format_shows_a_secret()
    {
        var report = ExportReport.Compose(Everything, $"Night of {ReportSamples.Secret}");
        Assert.All(
            new[] { HtmlReport.Write(report), MarkdownReport.Write(report), JUnitReport.Write(report), JsonReport.Write(report) },
            text => Assert.DoesNotContain(ReportSamples.Secret, text, StringComparison.Ordinal));
    }

    [Fact]
    public void An_error_of_Strict_about_a_result_is_not_told_twice()
    {
        var error = new PgOpsException(PgErrorCode.CheckFailed, "1 check failed") { Subject = ReportSamples.Mixed };
        Assert.Single(ExportReport.Compose([ReportSamples.Mixed, error], null).Results);
        Assert.Single(ExportReport.Compose([error], null).Results);
    }

    [Fact]
    public async Task A_file_of_somebody_elses_is_replaced_only_by_force()
    {
        var path = Path.Combine(_folder.Path, "a.html");
        var request = new ExportReportRequest { Paths = [path], Records = [ReportSamples.Mixed] };
        string[] others = ["", "mine", "{\"kind\": \"pgops-report/1\"}", $"# The format\n\n`{ReportMark.Comment}`\n\nis its mark.\n"];
        foreach (var theirs in others)
        {
            await File.WriteAllTextAsync(path, theirs);
            Assert.Equal(PgErrorCode.PathInaccessible, await CodeAsync(request));
            Assert.Equal(PgErrorCode.PathInaccessible, await CodeAsync(request with { Records = [] }));
            await new ExportReport().BeginAsync(request with { Force = true }, new CollectingSink(), CancellationToken.None);
            Assert.Equal(theirs, await File.ReadAllTextAsync(path));
        }

        Assert.Equal(path, Assert.Single((await RunAsync(request with { Force = true })).Files).FullName);
        Assert.Contains("generator", await File.ReadAllTextAsync(path), StringComparison.Ordinal);
        Assert.Equal(PgErrorCode.InvalidArgument, await CodeAsync(request with { Paths = [Path.Combine(_folder.Path, "a.txt")] }));
        Assert.Equal(PgErrorCode.PathNotFound, await CodeAsync(request with { Paths = [Path.Combine(_folder.Path, "no", "a.html")] }));
        Directory.CreateDirectory(Path.Combine(_folder.Path, "b.html"));
        Assert.Equal(
            PgErrorCode.PathInaccessible, await CodeAsync(request with { Paths = [Path.Combine(_folder.Path, "b.html")], Force = true }));
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    // The second night's run must neither stop at the first night's report nor leave it there, green, when it makes none of its own.
    [Theory]
    [InlineData("a.html")]
    [InlineData("a.md")]
    [InlineData("a.xml")]
    [InlineData("a.json")]
    public async Task An_earlier_report_is_replaced_by_a_red_one_until_the_work_has_ended(string name)
    {
        var path = Path.Combine(_folder.Path, name);
        var request = new ExportReportRequest { Paths = [path], Records = [ReportSamples.Backup with { Proven = true }], Title = "Night" };
        Assert.Null((await RunAsync(request)).Refusal);
        await File.WriteAllTextAsync(path, (await File.ReadAllTextAsync(path)).ReplaceLineEndings("\r\n"));

        await new ExportReport().BeginAsync(request, new CollectingSink(), CancellationToken.None);
        var begun = await File.ReadAllTextAsync(path);
        Assert.Contains("has not ended", begun, StringComparison.Ordinal);
        Assert.Matches("[Ff]ail", begun);

        Assert.Equal(PgErrorCode.InvalidArgument, await CodeAsync(request with { Records = [] }));
        var empty = await File.ReadAllTextAsync(path);
        Assert.Contains("no result came down the pipeline", empty, StringComparison.Ordinal);
        Assert.Matches("[Ff]ail", empty);

        var error = (await RunAsync(request with { Records = [ReportSamples.Drill(PgCheck.Fail("hashes", "damaged: a.sql"))] })).Refusal!;
        Assert.Equal(PgErrorCode.CheckFailed, error.Code);
        Assert.Contains("hashes: damaged: a.sql", error.Message, StringComparison.Ordinal);
        Assert.Contains(
            "incomplete", (await RunAsync(request with { Records = [ReportSamples.Backup] })).Refusal!.Message, StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    private static Task<WrittenReport> RunAsync(ExportReportRequest request)
        => new ExportReport().RunAsync(request, new CollectingSink(), CancellationToken.None);

    private static async Task<PgErrorCode> CodeAsync(ExportReportRequest request)
        => (await Assert.ThrowsAsync<PgOpsException>(() => RunAsync(request))).Code;

    private static ReportOutcome Outcome(object record) => ExportReport.Compose([record], null).Outcome;

    private static List<string> Names(JsonElement element) => element.EnumerateObject().Select(property => property.Name).ToList();

    [GeneratedRegex(@"(?<!\\)(?:\\\\)*\|")]
    private static partial Regex UnescapedPipe();

    [GeneratedRegex("<meta [^>]*/>")]
    private static partial Regex HtmlVoid();
}
