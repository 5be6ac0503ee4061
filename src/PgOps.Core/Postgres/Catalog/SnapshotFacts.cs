using System.Text.RegularExpressions;
using Npgsql;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Postgres.Catalog;

/// <summary>What the manifest says about the server and the database, read inside the backup's snapshot.</summary>
internal static partial class SnapshotFacts
{
    private const string Roles = """
        SELECT r.rolname::text FROM pg_catalog.pg_roles r
        WHERE r.oid IN (
            SELECT refobjid FROM pg_catalog.pg_shdepend
             WHERE refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
               AND (dbid = $1 OR (dbid = 0 AND classid = 'pg_catalog.pg_database'::pg_catalog.regclass AND objid = $1))
            UNION SELECT datdba FROM pg_catalog.pg_database WHERE oid = $1
            -- The bootstrap superuser is pinned and leaves no mark in pg_shdepend.
            UNION SELECT relowner FROM pg_catalog.pg_class WHERE oid >= 16384
            UNION SELECT nspowner FROM pg_catalog.pg_namespace WHERE oid >= 16384
            UNION SELECT proowner FROM pg_catalog.pg_proc WHERE oid >= 16384)
        """;

    /// <summary>Reads the server's facts.</summary>
    internal static async Task<PgServerFacts> ServerAsync(NpgsqlConnection connection, PgTarget target, CancellationToken cancellationToken)
    {
        // A standby has no position of its own to write at; what it has replayed is what the snapshot shows.
        var position = await connection.ScalarAsync<string>(
            """
            SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
                        ELSE pg_catalog.pg_current_wal_lsn() END::text
            """,
            cancellationToken).ConfigureAwait(false);
        return new PgServerFacts
        {
            Version = connection.VersionText(),
            VersionNumber = connection.VersionNumber(),
            ClusterId = await ClusterIdentity.ReadAsync(connection, cancellationToken).ConfigureAwait(false),
            WalPosition = position ?? "",
            Host = target.Host,
            Port = target.Port,
        };
    }

    /// <summary>Reads the facts of the session's database.</summary>
    /// <param name="connection">The session.</param>
    /// <param name="leftOut">Receives a sentence for each setting that is not recorded.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task<PgDatabaseFacts> DatabaseAsync(
        NpgsqlConnection connection, List<string> leftOut, CancellationToken cancellationToken)
    {
        var properties = (await DatabaseProperties.ReadAsync(connection, connection.Database!, cancellationToken).ConfigureAwait(false))!;
        var facts = properties.Facts;
        var oid = facts.Oid;
        var roles = await connection.QueryAsync(
            Roles.Replace("$1", oid.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal),
            row => row.GetString(0),
            cancellationToken).ConfigureAwait(false);
        var extensions = await connection.QueryAsync(
            "SELECT extname::text, extversion FROM pg_catalog.pg_extension",
            row => (Name: row.GetString(0), Version: row.GetString(1)),
            cancellationToken).ConfigureAwait(false);
        var relations = await connection.QueryAsync(
            """
            SELECT n.nspname::text, c.relname::text, x.extname::text FROM pg_catalog.pg_extension x
            JOIN pg_catalog.pg_class c ON c.oid = ANY (x.extconfig) JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            """,
            row => (Name: Quote.Qualified(row.GetString(0), row.GetString(1)), Extension: row.GetString(2)),
            cancellationToken).ConfigureAwait(false);
        var settings = properties.Settings.Where(one => !IsSecret(one.Setting)).ToList();
        var withheld = properties.Settings.Except(settings)
            .Select(one => one.Setting.Split('=', 2)[0] + (one.Role is null ? "" : $" for {one.Role}")).ToList();
        foreach (var secret in withheld)
        {
            leftOut.Add($"setting {secret}: its value looks like a secret and is not "
                + "in the manifest; the archive's DATABASE PROPERTIES hold it (pg_restore --create).");
        }

        var comment = DatabaseProperties.OwnComment(properties.Comment);
        if (comment is not null && Redaction.ByPattern.Apply(comment) is var shown && shown != comment)
        {
            leftOut.Add("a part of the database's comment: it looks like a secret and is not in the manifest.");
            comment = shown;
        }

        var masked = await MaskMark.ReadAsync(connection, cancellationToken).ConfigureAwait(false);
        if (masked is not null)
        {
            leftOut.Add($"the original values: the database is a masked copy ({masked}), and its backup proves nothing of the original.");
        }

        return facts with
        {
            Masked = masked,
            Roles = [.. roles.Concat(settings.Select(one => one.Role).OfType<string>()).Distinct().Order(StringComparer.Ordinal)],
            Extensions = new SortedDictionary<string, string>(
                extensions.ToDictionary(extension => extension.Name, extension => extension.Version), StringComparer.Ordinal),
            ExtensionRelations = new SortedDictionary<string, string>(
                relations.DistinctBy(one => one.Name).ToDictionary(one => one.Name, one => one.Extension), StringComparer.Ordinal),
            Settings = [.. settings.Where(one => one.Role is null).Select(one => one.Setting).Order(StringComparer.Ordinal)],
            RoleSettings =
            [
                .. settings.Where(one => one.Role is not null).Select(one => new PgRoleSetting { Role = one.Role!, Setting = one.Setting })
                    .OrderBy(one => one.ToString(), StringComparer.Ordinal),
            ],
            WithheldSettings = [.. withheld.Order(StringComparer.Ordinal)],
            Grants = await DatabaseGrants.ReadAsync(connection, connection.Database!, cancellationToken).ConfigureAwait(false),
            ConnectionLimit = properties.ConnectionLimit,
            Comment = comment,
            IsTemplate = properties.IsTemplate,
            IcuRules = properties.IcuRules,
        };
    }

    /// <summary>Reads what the server's catalog says of a database: encoding, locale, size and owner.</summary>
    /// <param name="connection">A session on any database of the server.</param>
    /// <param name="database">The database; null for the session's own.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The facts; null when there is no such database.</returns>
    internal static async Task<PgDatabaseFacts?> OfAsync(NpgsqlConnection connection, string? database, CancellationToken cancellationToken)
    {
        var version = connection.VersionNumber();
        var provider = version >= 150000 ? "d.datlocprovider::text" : "'c'";
        var locale = version >= 170000 ? "d.datlocale" : version >= 150000 ? "d.daticulocale" : "NULL::text";
        var collationVersion = version >= 150000 ? "d.datcollversion" : "NULL::text";
        var facts = await connection.QueryAsync(
            $"""
            SELECT d.oid, pg_catalog.pg_encoding_to_char(d.encoding)::text, d.datcollate::text, d.datctype::text,
                   {provider}, {locale}, {collationVersion}, pg_catalog.pg_database_size(d.oid), pg_catalog.pg_get_userbyid(d.datdba)::text
            FROM pg_catalog.pg_database d WHERE d.datname = coalesce(nullif($1, ''), pg_catalog.current_database())
            """,
            row => new PgDatabaseFacts
            {
                Oid = row.GetFieldValue<uint>(0),
                Encoding = row.GetString(1),
                Collate = row.GetString(2),
                CType = row.GetString(3),
                LocaleProvider = row.GetString(4) switch { "i" => "icu", "b" => "builtin", _ => "libc" },
                Locale = row.IsDBNull(5) ? null : row.GetString(5),
                CollationVersion = row.IsDBNull(6) ? null : row.GetString(6),
                Bytes = row.GetInt64(7),
                Owner = row.GetString(8),
            },
            cancellationToken,
            database ?? "").ConfigureAwait(false);
        return facts.Count == 0 ? null : facts[0];
    }

    /// <summary>By its name, or by a password, a URI or a token in its value.</summary>
    private static bool IsSecret(string setting)
        => SecretName().IsMatch(setting) || SecretValue().IsMatch(setting) || Redaction.ByPattern.Apply(setting) != setting;

    [GeneratedRegex(
        @"\b(Bearer\s+\S{8,}|eyJ[\w-]{10,}\.|AKIA[0-9A-Z]{16}|sk_(live|test)_\w{8,}|gh[pousr]_\w{20,})", RegexOptions.CultureInvariant)]
    private static partial Regex SecretValue();

    [GeneratedRegex(
        @"^[^=]*(passw|pwd|passphrase|secret|token|api_?key|private_?key|hmac|bearer|credential)[^=]*=", RegexOptions.IgnoreCase)]
    private static partial Regex SecretName();
}
