using System.Text;
using Npgsql;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>Applies a manifest's ALTER DATABASE … SET, which pg_dump leaves out unless it creates the database.</summary>
internal static class DatabaseSettings
{
    // GUC_LIST_QUOTE in src/backend/utils/misc/guc_tables.c: their catalog form is already a quoted list, which SET must get as a list.
    private static readonly HashSet<string> Lists = new(StringComparer.OrdinalIgnoreCase)
    {
        "local_preload_libraries", "search_path", "session_preload_libraries", "shared_preload_libraries",
        "temp_tablespaces", "unix_socket_directories",
    };

    /// <summary>Finds the settings that the server would refuse, before hours are spent on a restore. Changes nothing.</summary>
    /// <param name="session">A session on another database of the server.</param>
    /// <param name="database">A database to try them on.</param>
    /// <param name="settings">The settings.</param>
    /// <param name="without">What to say when refused ones are left out; null does not let them pass.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The settings that the server takes, and what to say about them: skipped when something is left out.</returns>
    /// <exception cref="PgOpsException">RestoreFailed, naming the refused settings.</exception>
    internal static async Task<(IReadOnlyList<DatabaseSetting> Accepted, PgCheck Check)> ProbeAsync(
        NpgsqlConnection session, string database, IReadOnlyList<DatabaseSetting> settings, string? without,
        CancellationToken cancellationToken)
    {
        var accepted = new List<DatabaseSetting>();
        var refused = new List<string>();
        foreach (var setting in settings)
        {
            var transaction = await session.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            await using (transaction.ConfigureAwait(false))
            {
                try
                {
                    await session.ExecuteAsync(Statement(database, setting.Text, setting.Role), cancellationToken)
                        .ConfigureAwait(false);
                    accepted.Add(setting);
                }
                catch (PostgresException error) when (!ServerErrors.IsLost(error) && error.SqlState != PostgresErrorCodes.QueryCanceled)
                {
                    refused.Add($"{setting} ({error.SqlState} {error.MessageText})");
                }
            }
        }

        if (refused.Count == 0)
        {
            return (accepted, PgCheck.Pass(
                PgCheckName.Settings, settings.Count == 0 ? "the database has none of its own" : string.Join(", ", settings)));
        }

        var detail = "the server refuses settings of the database: " + string.Join("; ", refused);
        return without is not null
            ? (accepted, PgCheck.Skip(PgCheckName.Settings, $"{detail}; {without}"))
            : throw new PgOpsException(
                PgErrorCode.RestoreFailed, detail, "Nothing was put in place.",
                "Restore with a role that may set them, or leave them out with -Force.");
    }

    /// <summary>Applies settings that were probed.</summary>
    internal static async Task ApplyAsync(
        NpgsqlConnection session, string database, IEnumerable<DatabaseSetting> settings, CancellationToken cancellationToken)
    {
        foreach (var setting in settings)
        {
            await session.ExecuteAsync(Statement(database, setting.Text, setting.Role), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The statement for one setting.</summary>
    /// <param name="database">The database.</param>
    /// <param name="setting"><c>name=value</c>, as pg_db_role_setting holds it.</param>
    /// <param name="role">The role that it is for in this database; null for every role.</param>
    internal static string Statement(string database, string setting, string? role = null)
    {
        var split = setting.IndexOf('=', StringComparison.Ordinal);
        var name = split < 0 ? setting : setting[..split];
        var value = split < 0 ? "" : setting[(split + 1)..];
        var quotedName = string.Join('.', name.Split('.').Select(Quote.Identifier));
        var quotedValue = Lists.Contains(name) ? string.Join(", ", SplitList(value).Select(Quote.Literal)) : Quote.Literal(value);
        var whose = role is null ? "" : $"ROLE {Quote.Identifier(role)} IN ";
        return $"ALTER {whose}DATABASE {Quote.Identifier(database)} SET {quotedName} TO {quotedValue}";
    }

    /// <summary>The elements of a quoted list such as <c>"$user", public</c>.</summary>
    internal static IReadOnlyList<string> SplitList(string list)
    {
        var elements = new List<string>();
        var element = new StringBuilder();
        var quoted = false;
        var wasQuoted = false;
        for (var i = 0; i < list.Length; i++)
        {
            var character = list[i];
            if (quoted)
            {
                if (character != '"')
                {
                    element.Append(character);
                }
                else if (i + 1 < list.Length && list[i + 1] == '"')
                {
                    element.Append('"');
                    i++;
                }
                else
                {
                    quoted = false;
                }
            }
            else if (character == '"')
            {
                quoted = wasQuoted = true;
            }
            else if (character == ',')
            {
                Take();
            }
            else if (!char.IsWhiteSpace(character))
            {
                element.Append(character);
            }
        }

        if (element.Length > 0 || wasQuoted || elements.Count > 0)
        {
            Take();
        }

        return elements.Count > 0 ? elements : [""];

        void Take()
        {
            elements.Add(element.ToString());
            element.Clear();
            wasQuoted = false;
        }
    }
}
