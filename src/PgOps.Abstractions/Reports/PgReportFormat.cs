namespace PgOps;

/// <summary>What a report is written as.</summary>
public enum PgReportFormat
{
    /// <summary>One page that needs nothing else; .html or .htm.</summary>
    Html,

    /// <summary>Markdown as GitHub, GitLab and Azure DevOps show it; .md or .markdown.</summary>
    Markdown,

    /// <summary>JUnit's XML, one test case for each check, for CI; .xml.</summary>
    JUnit,

    /// <summary>JSON, format <c>pgops-report/1</c>; .json.</summary>
    Json,
}
