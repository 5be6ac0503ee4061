using System.Management.Automation;
using PgOps.Core.Checks.User;

namespace PgOps.Cmdlets.Checks;

/// <summary>
/// A script block as a check: it gets the target as its argument and as <c>$_</c>. Throwing fails it, so does any error that it writes
/// (its $ErrorActionPreference is Stop), and so does <c>$false</c> among its output.
/// </summary>
internal static class ScriptCheck
{
    private const int ShownLetters = 200;

    // A script block's own scope is the only place where a preference reaches it, whichever module it comes from.
    private const string Invocation =
        "param($Script, $Variables, $Target) $ErrorActionPreference = 'Stop'; $Script.InvokeWithContext($null, $Variables, @(, $Target))";

    /// <summary>Runs it on this thread, the pipeline's.</summary>
    /// <param name="script">The script block.</param>
    /// <param name="target">Its argument.</param>
    /// <param name="timeout">The time allowed; the script is stopped when it is over.</param>
    /// <param name="warn">Receives its warnings.</param>
    /// <param name="cancellationToken">Stops it, too.</param>
    /// <exception cref="OperationCanceledException">The time was over.</exception>
    internal static UserCheckAnswer Run(
        ScriptBlock script, PgTarget target, TimeSpan timeout, Action<string> warn, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var shell = PowerShell.Create(RunspaceMode.CurrentRunspace);
        using var stop = limit.Token.Register(() => shell.BeginStop(null, null));
        limit.CancelAfter(timeout);
        var variables = new List<PSVariable> { new("ErrorActionPreference", ActionPreference.Stop), new("_", target) };
        try
        {
            var output = shell.AddScript(Invocation, useLocalScope: true).AddArgument(script).AddArgument(variables).AddArgument(target)
                .Invoke();
            limit.Token.ThrowIfCancellationRequested();
            var said = Said(output.Where(item => item is not null && item.BaseObject is not bool));
            return output.Any(item => item?.BaseObject is false)
                ? new UserCheckAnswer(false, said.Length == 0 ? "it returned $false" : $"it returned $false: {said}")
                : new UserCheckAnswer(true, said);
        }
        catch (PipelineStoppedException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(limit.Token);
        }
        catch (MethodInvocationException error) when (error.InnerException is { } thrown)
        {
            // Of an error that was made terminating the record has the words, the exception speaks of the preference.
            return thrown is PipelineStoppedException ? throw thrown
                : new UserCheckAnswer(false, $"{(thrown as IContainsErrorRecord)?.ErrorRecord ?? (object)thrown.Message}");
        }
        finally
        {
            foreach (var warning in shell.Streams.Warning)
            {
                warn(warning.Message);
            }
        }
    }

    private static string Said(IEnumerable<PSObject> output)
    {
        var said = string.Join("; ", output.Select(item => item.ToString()));
        return said.Length > ShownLetters ? said[..ShownLetters] + "…" : said;
    }
}
