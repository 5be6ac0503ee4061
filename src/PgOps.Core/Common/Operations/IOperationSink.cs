using Microsoft.Extensions.Logging;

namespace PgOps.Core.Common.Operations;

/// <summary>
/// Where an operation's results go while it runs. The cmdlets' sink carries them to the pipeline thread; a program that embeds
/// the core brings its own. All members may be called from any thread.
/// </summary>
public interface IOperationSink
{
    /// <summary>
    /// Log lines: Trace and Debug for the curious, Information for what a person should know, Warning for what they must.
    /// </summary>
    ILogger Log { get; }

    /// <summary>Hands out a result as soon as it is known.</summary>
    /// <param name="result">A public type of PgOps.Abstractions.</param>
    void Output(object result);

    /// <summary>Reports an error about one item; the operation goes on with the others.</summary>
    /// <param name="error">The error.</param>
    void Failure(PgOpsException error);

    /// <summary>Shows how far the work is. Throttled by <see cref="ProgressActivity"/>, not here.</summary>
    /// <param name="progress">The state of one activity.</param>
    void Progress(OperationProgress progress);

    /// <summary>Asks the person a question that ShouldProcess does not cover.</summary>
    /// <param name="question">The question, with what would happen.</param>
    /// <param name="caption">A short title.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <returns>Whether to go on.</returns>
    Task<bool> ConfirmAsync(string question, string caption, CancellationToken cancellationToken);
}
