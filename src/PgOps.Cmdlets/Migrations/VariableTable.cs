using System.Collections;
using System.Globalization;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Cmdlets.Migrations;

/// <summary>Reads -Variable: values become text the same in every culture.</summary>
internal static class VariableTable
{
    internal static ScriptVariables? Read(Hashtable? table, bool inDollarQuotes) => table is null ? null : new ScriptVariables(
        table.Cast<DictionaryEntry>().ToDictionary(
            entry => $"{entry.Key}", entry => Convert.ToString(entry.Value, CultureInfo.InvariantCulture) ?? "", StringComparer.Ordinal),
        inDollarQuotes);
}
