using System.Collections;
using System.Globalization;
using System.Management.Automation;
using System.Net;
using System.Security;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Cmdlets.Migrations;

/// <summary>Reads -Variable, -SecretVariable and -NoVariables: values become text the same in every culture.</summary>
internal static class VariableTable
{
    /// <returns>The values; null where nothing was said of placeholders.</returns>
    /// <exception cref="PgOpsException">InvalidArgument: one of them contradicts another, or would do nothing.</exception>
    internal static ScriptVariables? Read(Hashtable? table, bool inDollarQuotes, string[]? secrets, bool none)
    {
        if (none && (table is not null || inDollarQuotes || secrets is not null))
        {
            throw Refused("-NoVariables says that there are no placeholders, and the other parameters give values for them.");
        }

        var names = (table?.Keys.Cast<object>() ?? []).Select(name => $"{name}").ToHashSet(StringComparer.Ordinal);
        if (secrets?.FirstOrDefault(name => !names.Contains(name)) is { } unknown)
        {
            throw Refused($"-SecretVariable names '{unknown}', for which -Variable has no value; capitals count.");
        }

        if (table is null)
        {
            return none ? ScriptVariables.AsWritten
                : !inDollarQuotes ? null
                : throw Refused("-VariableInDollarQuotes does nothing without -Variable.");
        }

        var entries = table.Cast<DictionaryEntry>()
            .Select(entry => (entry.Key, Value: entry.Value is PSObject wrapped ? wrapped.BaseObject : entry.Value)).ToList();
        return new ScriptVariables(
            entries.ToDictionary(entry => $"{entry.Key}", entry => Text(entry.Value), StringComparer.Ordinal),
            inDollarQuotes,
            entries.Where(entry => entry.Value is SecureString).Select(entry => $"{entry.Key}").Concat(secrets ?? []));
    }

    private static string Text(object? value) => value is SecureString secret
        ? new NetworkCredential("", secret).Password
        : Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";

    private static PgOpsException Refused(string problem)
        => new(PgErrorCode.InvalidArgument, problem, "Nothing was done.", "Correct the command and run it again.");
}
