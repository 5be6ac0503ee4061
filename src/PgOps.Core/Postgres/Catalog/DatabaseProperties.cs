using System.Globalization;
using Npgsql;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>
/// What the server's catalogs say of a database beside its content: what CREATE DATABASE made it with, and what ALTER DATABASE and
/// COMMENT have set. Grants are <see cref="DatabaseGrants"/>.
/// </summary>
internal sealed record DatabaseProperties
{
    private const string Query = """
        SELECT (SELECT t.spcname::pg_catalog.text FROM pg_catalog.pg_tablespace t
                WHERE t.oid = d.dattablespace
                    AND t.oid <> (SELECT dattablespace FROM pg_catalog.pg_database WHERE datname = 'template0')),
               d.datconnlimit, pg_catalog.shobj_description(d.oid, 'pg_database'), d.datistemplate,
               pg_catalog.pg_has_role(d.datdba, 'USAGE')
                   AND (SELECT r.rolsuper OR r.rolcreatedb FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)
        FROM pg_catalog.pg_database d WHERE d.datname = $1
        """;

    private const string SettingsQuery = """
        SELECT unnest(s.setconfig), pg_catalog.pg_get_userbyid(nullif(s.setrole, 0))::pg_catalog.text
        FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
        WHERE d.datname = $1
        """;

    /// <summary>Encoding, locale, size and owner.</summary>
    internal required PgDatabaseFacts Facts { get; init; }

    /// <summary>Its tablespace; null for the one that every new database lies in, which is nobody's to name.</summary>
    internal string? Tablespace { get; init; }

    /// <summary>Sessions allowed; -1 for no limit.</summary>
    internal required int ConnectionLimit { get; init; }

    internal string? Comment { get; init; }

    internal bool IsTemplate { get; init; }

    /// <summary>Whether the session's role may make, rename and drop such a database.</summary>
    internal bool IsOurs { get; init; }

    /// <summary>ICU's additional rules; null when there are none.</summary>
    internal string? IcuRules { get; init; }

    /// <summary>Each <c>name=value</c>, and the role that it is for in this database; null for every role.</summary>
    internal IReadOnlyList<(string Setting, string? Role)> Settings { get; init; } = [];

    /// <summary>What CREATE DATABASE needs beside encoding and locale.</summary>
    internal string CreateClauses => string.Create(CultureInfo.InvariantCulture, $"CONNECTION LIMIT {ConnectionLimit}")
        + (Tablespace is null ? "" : $" TABLESPACE {Quote.Identifier(Tablespace)}")
        + (IcuRules is null ? "" : $" ICU_RULES {Quote.Literal(IcuRules)}");

    /// <summary>A comment that is the database's own; null for a mark that PgOps made, which speaks of one database alone.</summary>
    internal static string? OwnComment(string? comment) => comment?.StartsWith("pgops", StringComparison.Ordinal) == true ? null : comment;

    /// <summary>Reads them.</summary>
    /// <param name="session">A session on any database of the server.</param>
    /// <param name="database">The database.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The properties; null when there is no such database.</returns>
    internal static async Task<DatabaseProperties?> ReadAsync(
        NpgsqlConnection session, string database, CancellationToken cancellationToken)
    {
        if (await SnapshotFacts.OfAsync(session, database, cancellationToken).ConfigureAwait(false) is not { } facts)
        {
            return null;
        }

        var properties = await session.QueryAsync(
            Query,
            row => new DatabaseProperties
            {
                Facts = facts,
                Tablespace = row.IsDBNull(0) ? null : row.GetString(0),
                ConnectionLimit = row.GetInt32(1),
                Comment = row.IsDBNull(2) ? null : row.GetString(2),
                IsTemplate = row.GetBoolean(3),
                IsOurs = row.GetBoolean(4),
            },
            cancellationToken,
            database).ConfigureAwait(false);
        return properties is not [var one] ? null : one with
        {
            IcuRules = session.VersionNumber() < 160000 ? null : await session.ScalarAsync<string>(
                "SELECT daticurules FROM pg_catalog.pg_database WHERE datname = $1", cancellationToken, database).ConfigureAwait(false),
            Settings = await session.QueryAsync(
                SettingsQuery, row => (row.GetString(0), row.IsDBNull(1) ? null : row.GetString(1)), cancellationToken, database)
                .ConfigureAwait(false),
        };
    }

    /// <summary>Gives a database these settings.</summary>
    /// <param name="session">A session on another database of the server.</param>
    /// <param name="database">The database that gets them.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PgOpsException">PermissionDenied, naming the setting that the role may not set.</exception>
    internal async Task ApplySettingsAsync(NpgsqlConnection session, string database, CancellationToken cancellationToken)
    {
        foreach (var (setting, role) in Settings)
        {
            try
            {
                await session.ExecuteAsync(DatabaseSettings.Statement(database, setting, role), cancellationToken).ConfigureAwait(false);
            }
            catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.InsufficientPrivilege)
            {
                var name = setting.Split('=', 2)[0];
                throw new PgOpsException(
                    PgErrorCode.PermissionDenied,
                    $"The database's own setting {name} cannot be given to a new one: {error.SqlState} {error.MessageText}",
                    "Nothing was touched.",
                    $"Work as a superuser; or let one GRANT SET ON PARAMETER {name} to this role (PostgreSQL 15 and later).",
                    error);
            }
        }
    }
}
