using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using PgOps.Cmdlets.Pipeline;
using PgOps.Core.Repository;

namespace PgOps.Cmdlets.Backups;

/// <summary>Completes what the backups in -Path say of themselves. Never throws: what cannot be read completes nothing.</summary>
public abstract class BackupCompleter : IArgumentCompleter
{
    /// <summary>What a backup has to offer; null for nothing.</summary>
    private protected abstract string? NameOf(PgBackup backup);

    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        try
        {
            var path = fakeBoundParameters?["Path"]?.ToString() ?? "./backups";
            using var shell = PowerShell.Create(RunspaceMode.CurrentRunspace);
            const string Resolve = "param($path) $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($path)";
            var full = shell.AddScript(Resolve).AddArgument(path).Invoke<string>().Single();
            var word = (wordToComplete ?? "").Trim('\'', '"');
            var found = new FindBackups().RunAsync(new FindBackupsRequest { Path = full }, new SilentSink(), CancellationToken.None);
            return
            [
                .. found.GetAwaiter().GetResult().Select(NameOf).OfType<string>().Distinct(StringComparer.Ordinal)
                    .Where(name => name.StartsWith(word, StringComparison.OrdinalIgnoreCase)).Order(StringComparer.Ordinal)
                    .Select(name => new CompletionResult(Quoted(name), name, CompletionResultType.ParameterValue, name)),
            ];
        }
#pragma warning disable CA1031 // an exception here would only disturb whoever presses Tab
        catch (Exception)
#pragma warning restore CA1031
        {
            return [];
        }
    }

    private static string Quoted(string name)
    {
        var pattern = WildcardPattern.Escape(name);
        return pattern.All(letter => char.IsLetterOrDigit(letter) || letter is '_' or '-' or '.')
            ? pattern
            : $"'{CodeGeneration.EscapeSingleQuotedStringContent(pattern)}'";
    }
}
