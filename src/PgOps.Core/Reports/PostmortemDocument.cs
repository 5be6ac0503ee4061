using System.Globalization;
using PgOps.Core.Common.Operations;

namespace PgOps.Core.Reports;

/// <summary>The document about an incident, in Markdown. Blanks are marked so that they are found by searching for "TODO".</summary>
internal static class PostmortemDocument
{
    internal static string Write(WritePostmortemRequest request, IncidentEvidence evidence, ReportText text)
    {
        var title = request.Title is null ? "TODO: the incident in a few words" : Escape(text.Clean(request.Title));
        var events = evidence.Events.OrderBy(line => line.At).ToList();
        return
            $"""
            # Postmortem: {title}

            {MarkdownText.Table(
                ["What", ""],
                [
                    ["Status", "draft"],
                    ["Database", request.Target is null ? "TODO" : Escape(text.Clean(request.Target.ToString()))],
                    ["Began", request.Since is { } since ? ReportText.Time(since.UtcDateTime) : "TODO"],
                    ["Ended", request.Until is { } until ? ReportText.Time(until.UtcDateTime) : "TODO"],
                    ["Severity", "TODO"],
                    ["Authors", "TODO"],
                    ["Begun by", Escape($"PgOps {PgOpsVersion.Current} on {Environment.MachineName}, as {Environment.UserName}, "
                        + $"{ReportText.Time(DateTime.UtcNow)}")],
                ])}
            ## Summary

            TODO: what happened, who noticed it, how it ended. Three sentences that somebody from another team understands.

            ## Root cause

            TODO: why it could happen, not who did it. Ask why until the answer is something that can be changed.
            {List("What the records say failed:", evidence.Failures, "The records name no failure.")}
            ## Impact

            TODO: who could not do what, from when to when, and how many of them.

            ## Data loss

            TODO: none, or which data of what time, and how that was found out.
            {List("What the backups say:", evidence.DataLoss, "No backups were looked at (-BackupPath).")}
            ## Timeline

            All times are in UTC. TODO: add what people saw and did.

            {Timeline(events)}
            ## Resolution

            TODO: what ended it, and how it was verified.
            {List("What the records say was done:", evidence.Repairs, "The records show no undoing, repair or restore.")}
            ## Prevention

            TODO: for each point who does it until when.

            - [ ] What would have kept it from happening
            - [ ] What would have shown it sooner
            - [ ] What would have ended it sooner
            {string.Concat(evidence.Gaps.Distinct().Select(gap => $"- [ ] {Escape(gap)}\n"))}
            ## Evidence

            {(evidence.Sources.Count == 0 ? "Nothing was given to read from.\n" : string.Concat(evidence.Sources.Select(source => $"- {Emphasised(source)}\n")))}
            """;
    }

    private static string List(string title, List<string> lines, string none)
        => lines.Count == 0 ? $"\n{none}\n" : $"\n{title}\n\n{string.Concat(lines.Distinct().Select(line => $"- {Escape(line)}\n"))}";

    private static string Timeline(List<IncidentEvent> events) => events.Count == 0
        ? "The records hold nothing of this time.\n"
        : MarkdownText.Table(
            ["When", "Source", "What"],
            events.Select(line => new[]
            {
                line.At.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture), Escape(line.Source), Escape(line.What),
            }));

    private static string Escape(string text) => MarkdownText.Escape(text);

    // The only marks of ours are the two asterisks around a warning.
    private static string Emphasised(string text) => Escape(text).Replace("\\*\\*", "**", StringComparison.Ordinal);
}
