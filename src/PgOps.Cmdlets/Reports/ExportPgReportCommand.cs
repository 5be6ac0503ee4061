using System.Management.Automation;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Common.Operations;
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
    private PipelineErrors? _errors;
    private bool _write;

    /// <summary>
    /// The files to write; each takes the format of its ending: .html, .md, .xml (JUnit) or .json. The folder must exist. A postmortem's
    /// default is docs/postmortems/yyyy-MM-dd-name.md below the current folder, which is made.
    /// </summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Report")]
    [Parameter(Position = 0, ParameterSetName = "Postmortem")]
    [ValidateNotNullOrEmpty]
    public string[] Path { get; set; } = [];

    /// <summary>
    /// What to report: drills, backups, restores, comparisons, tests, migration runs, every object of PgOps' that has checks, and errors
    /// (2>&amp;1). Those that PgOps' commands before it in the pipeline write are in the report anyway.
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

    /// <summary>Replaces a file of somebody else's. An earlier report of PgOps' is always replaced.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Hands the input on as it comes, instead of the files that were written.</summary>
    [Parameter(ParameterSetName = "Report")]
    public SwitchParameter PassThru { get; set; }

    /// <summary>
    /// Makes a report that is not green an error, once it has been written: a result that failed or is incomplete, an error of a command
    /// before it, or no result at all. The error ends the script, so that pwsh exits with 1; with -ErrorAction it is what you say.
    /// </summary>
    [Parameter(ParameterSetName = "Report")]
    public SwitchParameter Strict { get; set; }

    /// <summary>Begins the document about an incident, in Markdown: what the records know is filled in, the rest is asked for.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Postmortem")]
    public SwitchParameter Postmortem { get; set; }

    /// <summary>
    /// The database whose migration history goes into the postmortem: a URI, <c>host=… dbname=…</c>, an object of New-PgTarget.
    /// </summary>
    [Parameter(ParameterSetName = "Postmortem")]
    [TargetTransformation]
    public PgTarget? Target { get; set; }

    /// <summary>User name and password to log in with, instead of the target's own.</summary>
    [Parameter(ParameterSetName = "Postmortem")]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>Schema of the history table.</summary>
    [Parameter(ParameterSetName = "Postmortem")]
    [ValidateNotNullOrEmpty]
    public string HistorySchema { get; set; } = "pgops";

    /// <summary>The folder of backups; they and the ledger of their drills go into the postmortem.</summary>
    [Parameter(ParameterSetName = "Postmortem")]
    [ValidateNotNullOrEmpty]
    public string? BackupPath { get; set; }

    /// <summary>Files that -LogPath of other cmdlets wrote; their lines go into the postmortem's timeline.</summary>
    [Parameter(ParameterSetName = "Postmortem")]
    [ValidateNotNullOrEmpty]
    public string[] FromLog { get; set; } = [];

    /// <summary>
    /// When the incident began: nothing older goes into the postmortem. A date, or text such as 2026-01-31T18:30:00Z; without Z it is
    /// local.
    /// </summary>
    [Parameter(ParameterSetName = "Postmortem")]
    [DateAmount]
    public DateTimeOffset? Since { get; set; }

    /// <summary>
    /// When the incident ended: nothing newer goes into the postmortem. A date, or text such as 2026-01-31T20:00:00Z; without Z it is
    /// local.
    /// </summary>
    [Parameter(ParameterSetName = "Postmortem")]
    [DateAmount]
    public DateTimeOffset? Until { get; set; }

    /// <summary>Refuses, asks and begins the report before the commands that come first in the pipeline have worked for hours.</summary>
    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        var path = string.Join(", ", Path);
        try
        {
            if (Postmortem && Path.Length > 1)
            {
                throw new PgOpsException(
                    PgErrorCode.InvalidArgument, "A postmortem is one file.", "Nothing was written.", "Give one path.");
            }

            if (!Postmortem)
            {
                _ = ReportFile.Of(Request());
            }
            else if (Path.Length == 0)
            {
                path = WritePostmortem.PathOf(PostmortemRequest());
            }
        }
        catch (PgOpsException error)
        {
            if (Strict && !MyInvocation.BoundParameters.ContainsKey("ErrorAction"))
            {
                ThrowFailure(error);
            }

            ThrowTerminatingError(ErrorRecords.From(error));
        }

        _errors = new PipelineErrors(this);
        _write = ShouldProcess(path, Postmortem ? "Begin a postmortem" : "Write a report");
        if (_write && !Postmortem)
        {
            _ = Work((sink, token) => new ExportReport().BeginAsync(Request(), sink, token));
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
            var refusal = new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"A {InputObject.TypeNames[0]} is not a result of PgOps' and is left out of the report.",
                null,
                "Pipe the objects of the cmdlets themselves: those from a job or a file have lost their type.");
            _records.Add(refusal);
            WriteFailure(refusal);
        }

        if (PassThru)
        {
            WriteObject(InputObject);
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        if (!_write)
        {
            return;
        }

        IReadOnlyList<FileInfo> files = [];
        PgOpsException? refusal = null;
        _records.AddRange(_errors!.Since(_records));
        var report = Request();
        var postmortem = Postmortem ? PostmortemRequest() : null;
        var written = Work(async (sink, token) =>
        {
            if (postmortem is not null)
            {
                files = [await new WritePostmortem().RunAsync(postmortem, sink, token).ConfigureAwait(false)];
                return;
            }

            (files, refusal) = await new ExportReport().RunAsync(report, sink, token).ConfigureAwait(false);
        });
        if (!PassThru)
        {
            // As Get-Item gives them: PowerShell's view of a file needs what its provider adds.
            foreach (var file in files)
            {
                WriteObject(InvokeProvider.Item.Get([file.FullName], force: true, literalPath: true), enumerateCollection: true);
            }
        }

        if (written && Strict && refusal is not null)
        {
            ThrowFailure(refusal);
        }
    }

    /// <summary>Runs an operation; with -Strict its error ends the script.</summary>
    private bool Work(Func<IOperationSink, CancellationToken, Task> operation)
    {
        PgOpsException? failure = null;
        var ended = Run(async (sink, token) =>
        {
            try
            {
                await operation(sink, token).ConfigureAwait(false);
            }
            catch (PgOpsException error) when (Strict)
            {
                failure = error;
            }
        });
        if (failure is not null)
        {
            ThrowFailure(failure);
        }

        return ended && failure is null;
    }

    private ExportReportRequest Request() => new()
    {
        Paths = [.. Path.Select(FullPath)],
        Format = Format,
        Title = Title,
        Force = Force,
        Records = _records,
    };

    private WritePostmortemRequest PostmortemRequest() => new()
    {
        Path = Path.Length == 0 ? null : FullPath(Path[0]),
        Folder = FullPath("."),
        Title = Title,
        Force = Force,
        Records = _records,
        Target = Target is null ? null : Credentials.Apply(Target, Credential),
        HistorySchema = HistorySchema,
        BackupPath = BackupPath is null ? null : FullPath(BackupPath),
        LogFiles = [.. FromLog.Select(FullPath)],
        Since = Since,
        Until = Until,
    };
}
