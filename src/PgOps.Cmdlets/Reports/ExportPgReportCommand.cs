using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Reports;

namespace PgOps.Cmdlets.Reports;

/// <summary>
/// Writes what PgOps' cmdlets found as a report: HTML for people, JUnit's XML for CI, Markdown, JSON. With -Postmortem it begins the
/// document about an incident.
/// </summary>
[Cmdlet(VerbsData.Export, "PgReport", DefaultParameterSetName = "Report", SupportsShouldProcess = true)]
[OutputType(typeof(FileInfo))]
public sealed class ExportPgReportCommand : PgCmdlet
{
    private readonly List<object> _records = [];

    /// <summary>
    /// The files to write; each takes the format of its ending: .html, .md, .xml (JUnit) or .json. The folder must exist.
    /// </summary>
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNullOrEmpty]
    public string[] Path { get; set; } = [];

    /// <summary>
    /// What to report: drills, backups, restores, comparisons, tests, migration runs, every object of PgOps' that has checks, and errors
    /// (2>&amp;1).
    /// </summary>
    [Parameter(ValueFromPipeline = true)]
    [AllowNull]
    public PSObject? InputObject { get; set; }

    /// <summary>The format, whatever the files' endings.</summary>
    [Parameter(ParameterSetName = "Report")]
    public PgReportFormat? Format { get; set; }

    /// <summary>The title. Default: what is reported.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Title { get; set; }

    /// <summary>Replaces files that are there.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Hands the input on as it comes, instead of the files that were written.</summary>
    [Parameter(ParameterSetName = "Report")]
    public SwitchParameter PassThru { get; set; }

    /// <summary>Refuses before the commands that come first in the pipeline have worked for hours.</summary>
    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        try
        {
            _ = ReportFile.Of(Request());
        }
        catch (PgOpsException error)
        {
            ThrowTerminatingError(ErrorRecords.From(error));
        }
    }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (InputObject is null)
        {
            return;
        }

        var record = InputObject.BaseObject is ErrorRecord error ? error.Exception : InputObject.BaseObject;
        if (ExportReport.Reads(record))
        {
            _records.Add(record);
        }
        else
        {
            WriteFailure(new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"A {InputObject.TypeNames[0]} is no result of PgOps' and is left out of the report.",
                null,
                "Pipe the objects of the cmdlets themselves: those from a job or a file have lost their type."));
        }

        if (PassThru)
        {
            WriteObject(InputObject);
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        var request = Request();
        if (ShouldProcess(string.Join(", ", request.Paths), $"Write a report of {_records.Count} result(s)"))
        {
            IReadOnlyList<FileInfo> written = [];
            Run(async (sink, token) => written = await new ExportReport().RunAsync(request, sink, token).ConfigureAwait(false));
            if (!PassThru)
            {
                WriteObject(written, enumerateCollection: true);
            }
        }
    }

    private ExportReportRequest Request() => new()
    {
        Paths = [.. Path.Select(FullPath)],
        Format = Format,
        Title = Title,
        Force = Force,
        Records = _records,
    };
}
