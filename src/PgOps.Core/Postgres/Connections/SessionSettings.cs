using Npgsql;
using PgOps.Core.Sql;

namespace PgOps.Core.Postgres.Connections;

/// <summary>Sets several settings of a session in one statement, and knows those that not every server has.</summary>
internal static class SessionSettings
{
    /// <summary>The statement; it gives back a row.</summary>
    /// <param name="settings">Names and values, set in this order.</param>
    /// <param name="local">Whether they end with the transaction.</param>
    internal static string Set(IEnumerable<(string Name, string Value)> settings, bool local = false)
        => "SELECT " + string.Join(", ", settings.Select(setting =>
            $"pg_catalog.set_config({Quote.Literal(setting.Name)}, {Quote.Literal(setting.Value)}, {(local ? "true" : "false")})"));

    /// <summary>How long a session may stay idle outside a transaction; nothing where the server has no such limit.</summary>
    /// <param name="session">The session.</param>
    /// <param name="value">The setting's value.</param>
    internal static IEnumerable<(string Name, string Value)> IdleTimeout(NpgsqlConnection session, string value)
        => session.VersionNumber() >= 140000 ? [("idle_session_timeout", value)] : [];

    /// <summary>Lets the session stay idle as long as it likes: a server that closes idle sessions would free its locks.</summary>
    internal static async Task AllowIdlingAsync(NpgsqlConnection session, CancellationToken cancellationToken)
    {
        if (IdleTimeout(session, "0").ToList() is { Count: > 0 } settings)
        {
            await session.ExecuteAsync(Set(settings), cancellationToken).ConfigureAwait(false);
        }
    }
}
