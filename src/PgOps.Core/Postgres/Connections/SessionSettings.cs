using PgOps.Core.Sql;

namespace PgOps.Core.Postgres.Connections;

/// <summary>Sets several settings of a session in one statement.</summary>
internal static class SessionSettings
{
    /// <summary>The statement; it gives back a row.</summary>
    /// <param name="settings">Names and values, set in this order.</param>
    /// <param name="local">Whether they end with the transaction.</param>
    internal static string Set(IEnumerable<(string Name, string Value)> settings, bool local = false)
        => "SELECT " + string.Join(", ", settings.Select(setting =>
            $"pg_catalog.set_config({Quote.Literal(setting.Name)}, {Quote.Literal(setting.Value)}, {(local ? "true" : "false")})"));
}
