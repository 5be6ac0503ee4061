using System.Management.Automation;
using System.Management.Automation.Host;
using System.Reflection;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>
/// Whether anybody can be asked. Without a terminal PowerShell's own answers are 'Read and Prompt functionality is not available', 'Object
/// reference not set', or to wait for ever for a line of a pipe that nobody writes to.
/// </summary>
internal static class Confirmation
{
    /// <summary>Whether the cmdlet will ask, by its impact, -Confirm and $ConfirmPreference.</summary>
    internal static bool IsAsked(PSCmdlet cmdlet)
    {
        if (cmdlet.MyInvocation.BoundParameters.TryGetValue("Confirm", out var confirm))
        {
            return LanguagePrimitives.IsTrue(confirm);
        }

        var impact = cmdlet.GetType().GetCustomAttribute<CmdletAttribute>()?.ConfirmImpact ?? ConfirmImpact.Medium;
        return LanguagePrimitives.TryConvertTo<ConfirmImpact>(cmdlet.GetVariableValue("ConfirmPreference"), out var preference)
            && preference != ConfirmImpact.None && preference <= impact;
    }

    /// <summary>Whether the host reads answers from something that is not a terminal: a pipe, a file, nothing.</summary>
    /// <remarks>Editors' hosts have questions of their own and no standard input to speak of.</remarks>
    internal static bool IsDeaf(PSHost host) => host.Name == "ConsoleHost" && Console.IsInputRedirected;

    /// <summary>Whether an exception says that the host cannot ask.</summary>
    internal static bool SaysDeaf(Exception error) => error is PSInvalidOperationException or HostException;

    /// <summary>The error where nobody is there.</summary>
    internal static PgOpsException Missing(string target, string action) => new(
        PgErrorCode.NotConfirmed,
        $"'{action}' on {target} is asked before it is done, and PowerShell runs here without anybody to ask.",
        "It was not done.",
        "Say yes beforehand with -Confirm:$false, or see with -WhatIf what would be done.");
}
