using System.Collections;
using System.Management.Automation;

namespace PgOps.Cmdlets.Reports;

/// <summary>
/// The errors that PgOps' commands before this one write while the pipeline runs. They do not come down the pipeline, and a report
/// without them would be green.
/// </summary>
internal sealed class PipelineErrors
{
    private readonly PSCmdlet _cmdlet;
    private readonly object? _newest;

    internal PipelineErrors(PSCmdlet cmdlet)
    {
        _cmdlet = cmdlet;
        _newest = Written().FirstOrDefault();
    }

    /// <summary>What has been written since, in its order.</summary>
    /// <param name="known">What came down the pipeline all the same (2>&amp;1).</param>
    internal IReadOnlyList<Exception> Since(IReadOnlyCollection<object> known) =>
    [
        .. Written().TakeWhile(one => !ReferenceEquals(one, _newest)).OfType<ErrorRecord>().Where(IsBefore)
            .Select(record => record.Exception).Where(error => !known.Contains(error, ReferenceEqualityComparer.Instance)).Reverse(),
    ];

    // $Error, the newest first; -ErrorAction Ignore is the only way past it.
    private IEnumerable<object> Written()
        => ((_cmdlet.SessionState.PSVariable.GetValue("global:Error") as IList) ?? Array.Empty<object>()).Cast<object>();

    // An error record knows its command's place in the text, not its place in the pipeline (PipelinePosition is 0 there). What stands after
    // this command, with -PassThru, belongs to somebody else's report.
    private bool IsBefore(ErrorRecord record)
    {
        var here = _cmdlet.MyInvocation;
        return record.InvocationInfo is { } at
            && at.ScriptName == here.ScriptName
            && at.HistoryId == here.HistoryId
            && (at.ScriptLineNumber, at.OffsetInLine).CompareTo((here.ScriptLineNumber, here.OffsetInLine)) < 0
            && (record.Exception is PgOpsException || at.MyCommand?.ModuleName == here.MyCommand.ModuleName);
    }
}
