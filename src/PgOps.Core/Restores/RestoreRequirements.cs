using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;
using PgOps.Core.Common.Files;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Repository;
using PgOps.Core.Repository.Archives;
using PgOps.Core.Sql;

namespace PgOps.Core.Restores;

/// <summary>Looks for everything that a restore needs, and says at once all that is missing. Changes nothing.</summary>
internal sealed partial class RestoreRequirements
{
    private const string NothingDone = "Nothing was restored.";

    private readonly RestoreDatabaseRequest _request;
    private readonly NpgsqlConnection _session;
    private readonly PgTarget _target;
    private readonly OpenedArchive? _archive;
    private readonly PgBackupManifest _manifest;
    private readonly List<PgCheck> _checks;
    private readonly List<string> _missing = [];
    private PgOpsException? _only;

    private RestoreRequirements(
        RestoreDatabaseRequest request, NpgsqlConnection session, PgTarget target, OpenedArchive? archive, List<PgCheck> checks)
    {
        _request = request;
        _session = session;
        _target = target;
        _archive = archive;
        _checks = checks;
        _manifest = request.Backup.Manifest!;
    }

    private bool IsScript => DumpFormat.IsScript(_manifest.Payload.Format);

    /// <summary>Checks all of it.</summary>
    /// <param name="request">What is to be restored.</param>
    /// <param name="session">A session on the maintenance database, or on the empty database itself.</param>
    /// <param name="target">The final database.</param>
    /// <param name="archive">The archive, at least its table of contents; null for a script.</param>
    /// <param name="checks">Receives the checks.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The plan, but for the database that is there already.</returns>
    /// <exception cref="PgOpsException">RestoreFailed with everything that is missing; the matter's own code when it is one
    /// thing.</exception>
    internal static async Task<RestorePlan> CheckAsync(
        RestoreDatabaseRequest request,
        NpgsqlConnection session,
        PgTarget target,
        OpenedArchive? archive,
        List<PgCheck> checks,
        CancellationToken cancellationToken)
    {
        var requirements = new RestoreRequirements(request, session, target, archive, checks);
        return await requirements.CheckAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task<RestorePlan> CheckAsync(CancellationToken cancellationToken)
    {
        if (!_request.IsPartial && RestorePreflight.LackOf(_request.Backup with { Manifest = _manifest }) is { } lack)
        {
            throw lack;
        }

        var privileges = await RolePrivileges.ReadAsync(_session, cancellationToken).ConfigureAwait(false);
        var tool = Try(() => RestorePreflight.Tool(_manifest, _session.VersionNumber() / 10000, _request.BinPath));
        if (tool is not null)
        {
            _checks.Add(PgCheck.Pass(PgCheckName.Tool, $"{tool.Name} {tool.Version}; the archive was written by {_manifest.Payload.Tool}"));
        }

        var server = Try(() => RestorePreflight.ServerVersion(
            _manifest, _session.VersionNumber(), _session.VersionText(), _target, _request.Force));
        if (server is not null)
        {
            _checks.Add(server);
        }

        var roles = new RoleMap(_request.MapRole);
        var plan = new RestorePlan(tool!, [], null)
        {
            Manifest = _manifest,
            Roles = roles.IsEmpty ? null : roles,
            Unfilled = ExtensionNeeds.Unfilled(_manifest.Facts, _request.SkipExtension, _request.IncludeJobs || IsScript),
            Owner = _request.NoOwner || _request.IsPartial || _manifest.Facts.Owner.Length == 0 ? null : roles[_manifest.Facts.Owner],
        };
        var needs = (ArchiveNeeds?)null;
        if (tool is not null && !IsScript)
        {
            (plan, needs) = await ReadArchiveAsync(plan, tool, privileges, roles, cancellationToken).ConfigureAwait(false);
        }

        plan = plan with { MissingRoles = await RolesAsync(plan, needs, roles, privileges, cancellationToken).ConfigureAwait(false) };
        await ExtensionsAsync(plan, privileges, cancellationToken).ConfigureAwait(false);
        await ExtensionNeeds.LookAsync(_request, _session, _target, plan.Selection, _checks, _missing, cancellationToken)
            .ConfigureAwait(false);
        await CollationsAsync(needs, cancellationToken).ConfigureAwait(false);
        await TablespacesAsync(needs, cancellationToken).ConfigureAwait(false);
        await SpaceAsync(plan, cancellationToken).ConfigureAwait(false);
        await PrivilegesAsync(privileges, cancellationToken).ConfigureAwait(false);
        return _missing.Count switch
        {
            0 => plan,
            1 when _only is not null => throw _only,
            _ => throw new PgOpsException(
                PgErrorCode.RestoreFailed,
                "The server lacks what the backup needs:\n  " + string.Join("\n  ", _missing),
                NothingDone,
                "Provide what is missing, then run the command again.")
            { Subject = _request.Backup },
        };
    }

    private async Task<(RestorePlan Plan, ArchiveNeeds Needs)> ReadArchiveAsync(
        RestorePlan plan, PostgresTool tool, RolePrivileges privileges, RoleMap roles, CancellationToken cancellationToken)
    {
        if (!roles.IsEmpty)
        {
            RoleReplay.RefuseUnlessReadable(_manifest.Facts, _request.MapRole);
            _ = Try(() => RoleReplay.Psql(tool));
        }

        var facts = _manifest.Facts;
        var toc = await ArchiveToc.ReadAsync(tool, _archive!, facts, cancellationToken).ConfigureAwait(false);
        var selection = _request.IsPartial ? TocSelection.Of(toc, _request.Schemas, _request.Tables) : null;
        var (edit, statements) = await EditAsync().ConfigureAwait(false);
        if (selection is not null && statements.Any(IsExclusion))
        {
            selection.AddExtensions();
            (edit, statements) = await EditAsync().ConfigureAwait(false);
        }

        plan = plan with { Edit = edit, Selection = selection, Manifest = RestorePlan.Filled(_manifest, plan.Unfilled) };
        if (selection is not null)
        {
            plan = plan with
            {
                Manifest = _manifest with
                {
                    Tables = [.. plan.Manifest.Tables.Where(table => selection.Holds(table.Schema, table.Name))],
                    Sequences = [.. _manifest.Sequences.Where(sequence => selection.Holds(sequence.Schema, sequence.Name))],
                },
            };
        }

        return (plan, ArchiveNeeds.Of(statements));

        async Task<(ArchiveEdit Edit, IReadOnlyList<SqlStatement> Statements)> EditAsync()
        {
            var made = ArchiveEdit.Of(toc, selection, _request.SkipExtension, privileges.IsSuperuser, roles, plan.Unfilled);
            return (made, await ArchiveScript.ReadAsync(
                tool, _archive!, made.Definitions, ServerEncoding.Of(facts.Encoding), cancellationToken).ConfigureAwait(false));
        }

        static bool IsExclusion(SqlStatement statement) => statement.Keywords is ["ALTER", "TABLE", ..]
            && statement.Span.Contains(" EXCLUDE USING ", StringComparison.Ordinal);
    }

    private async Task<IReadOnlyList<string>> RolesAsync(
        RestorePlan plan, ArchiveNeeds? needs, RoleMap roles, RolePrivileges privileges, CancellationToken cancellationToken)
    {
        // The manifest knows every role of the whole; what the archive says is exact.
        var facts = _manifest.Facts;
        var whole = needs is null || !(_request.NoOwner || _request.NoPrivileges || _request.IsPartial);
        var needed = (whole ? facts.Roles : [])
            .Concat(needs?.Roles(_request.NoOwner, _request.NoPrivileges) ?? [])
            .Select(role => roles[role]).Concat(plan.Owner is null ? [] : [plan.Owner]).Distinct().ToList();
        var missing = await RestoreRoles.MissingAsync(_session, needed, cancellationToken).ConfigureAwait(false);
        if (missing.Count > 0 && !_request.CreateRoles)
        {
            Lacks($"roles: {string.Join(", ", missing)} (create them, for example from globals.sql, or use -CreateRoles, -MapRole, or "
                + "-NoOwner with -NoPrivileges)");
        }
        else if (missing.Count > 0 && !privileges.MayCreateRoles)
        {
            Lacks($"roles: {string.Join(", ", missing)}, which \"{privileges.Role}\" may not create (CREATEROLE; "
                + "or use -MapRole, or -NoOwner with -NoPrivileges)");
        }

        var owners =
            _request.NoOwner ? [] : (needs?.Owners ?? []).Select(role => roles[role]).Concat(plan.Owner is null ? [] : [plan.Owner]);
        var strangers = await privileges.NotMemberOfAsync(_session, owners.Distinct(), cancellationToken).ConfigureAwait(false);
        if (strangers.Count > 0)
        {
            Lacks($"owners: \"{privileges.Role}\" cannot give objects to {string.Join(", ", strangers)} {privileges.Where} "
                + $"(GRANT {strangers[0]} TO {privileges.Role}, or use -MapRole, or -NoOwner)");
        }

        var mapped = roles.IsEmpty ? "" : $"; mapped: {roles}";
        _checks.Add(needed.Count == 0 && _request is { NoOwner: true, NoPrivileges: true }
            ? PgCheck.Skip(PgCheckName.Roles, "not needed: owners and grants are left out")
            : PgCheck.Pass(PgCheckName.Roles, (missing.Count == 0 ? "all there" : "created: " + string.Join(", ", missing)) + mapped));
        return missing;
    }

    private async Task ExtensionsAsync(RestorePlan plan, RolePrivileges privileges, CancellationToken cancellationToken)
    {
        var facts = _manifest.Facts;
        var wanted = facts.Extensions.Where(one => !_request.SkipExtension.Contains(one.Key)).ToDictionary();
        var found = (await _session.QueryAsync(
            """
            SELECT e.name::pg_catalog.text, e.default_version,
                   v.superuser AND NOT coalesce((pg_catalog.to_jsonb(v) ->> 'trusted')::pg_catalog.bool, false),
                   e.installed_version IS NOT NULL
            FROM pg_catalog.pg_available_extensions e
            JOIN pg_catalog.pg_available_extension_versions v ON v.name = e.name AND v.version = e.default_version
            WHERE e.name = ANY ($1)
            """,
            row => (Name: row.GetString(0), Version: row.GetString(1), NeedsSuperuser: row.GetBoolean(2), Installed: row.GetBoolean(3)),
            cancellationToken,
            [wanted.Keys.ToArray()]).ConfigureAwait(false)).ToDictionary(one => one.Name);
        var unknown = wanted.Keys.Where(name => !found.ContainsKey(name)).Order(StringComparer.Ordinal).ToList();

        // Of a part nobody knows here which extensions it needs: pg_restore says it.
        if (unknown.Count > 0 && plan.Selection is null)
        {
            Lacks(RestorePreflight.Describe(unknown, facts, privileges.Provider));
        }

        var older = found.Values.Where(one => IsOlder(one.Version, wanted[one.Name]))
            .Select(one => $"{one.Name} {wanted[one.Name]} (here {one.Version})").ToList();
        if (older.Count > 0 && !_request.Force)
        {
            Lacks($"extensions in the source's version: {string.Join(", ", older)} (update their packages, or try it with -Force)");
        }

        // Managed services let their administrators create what needs a superuser elsewhere, so only they can say.
        var reserved = privileges.IsSuperuser || privileges.Provider is not null
            ? []
            : found.Values.Where(one => one.NeedsSuperuser && !(one.Installed && (_request.IntoEmpty || one.Name == "plpgsql")))
                .Select(one => one.Name).ToList();
        if (reserved.Count > 0 && plan.Selection is null)
        {
            Lacks($"extensions that only a superuser may create: {string.Join(", ", reserved)} (let one create them in an empty database "
                + "and use -IntoEmpty, or -SkipExtension)");
        }

        var other = found.Values.Where(one => one.Version != wanted[one.Name])
            .Select(one => $"{one.Name} {wanted[one.Name]} as {one.Version}").ToList();
        var said = wanted.Count == 0 ? "none needed" : "available: " + string.Join(", ", wanted.Keys)
            + (other.Count == 0 ? "" : "; in another version: " + string.Join(", ", other));
        _checks.Add(_request.SkipExtension.Count > 0
            ? PgCheck.Skip(PgCheckName.Extensions, $"{said}; left out: {string.Join(", ", _request.SkipExtension)}")
            : PgCheck.Pass(PgCheckName.Extensions, said));
    }

    private async Task CollationsAsync(ArchiveNeeds? needs, CancellationToken cancellationToken)
    {
        if (needs is not { Collations.Count: > 0 })
        {
            return;
        }

        var missing = await AbsentAsync(
            """
            SELECT FROM pg_catalog.pg_collation c WHERE c.collname = needed.name::pg_catalog.name
                AND c.collnamespace = 'pg_catalog'::pg_catalog.regnamespace
                AND c.collencoding IN (-1, pg_catalog.pg_char_to_encoding($2)::pg_catalog.int4)
            """,
            needs.Collations,
            cancellationToken,
            _manifest.Facts.Encoding).ConfigureAwait(false);
        if (missing.Count > 0)
        {
            Lacks($"collations: {string.Join(", ", missing)} (install the locales, or a server with ICU, and run "
                + "pg_import_system_collations in template0)");
        }
    }

    private async Task TablespacesAsync(ArchiveNeeds? needs, CancellationToken cancellationToken)
    {
        if (_request.NoTablespaces || needs is null)
        {
            _checks.Add(PgCheck.Skip(
                PgCheckName.Tablespaces,
                needs is null ? "not looked at: the dump is a script" : "left out: everything goes to the database's own"));
            return;
        }

        var missing = await AbsentAsync(
            "SELECT FROM pg_catalog.pg_tablespace t WHERE t.spcname = needed.name::pg_catalog.name", needs.Tablespaces,
            cancellationToken).ConfigureAwait(false);
        if (missing.Count > 0)
        {
            Lacks($"tablespaces: {string.Join(", ", missing)} (create them, or use -NoTablespaces)");
        }

        _checks.Add(PgCheck.Pass(
            PgCheckName.Tablespaces, needs.Tablespaces.Count == 0 ? "none needed" : "there: " + string.Join(", ", needs.Tablespaces)));
    }

    private async Task SpaceAsync(RestorePlan plan, CancellationToken cancellationToken)
    {
        var bytes = _request.IsPartial ? plan.Manifest.Tables.Sum(table => table.Bytes) : _manifest.Facts.Bytes;
        var isNear = _target.Host.StartsWith('/') || _target.Host is "localhost" or "127.0.0.1" or "::1";
        var folder = !isNear ? null : await _session.ScalarAsync<string>(
            "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'data_directory'", cancellationToken).ConfigureAwait(false);
        if (bytes == 0 || folder is null || !Directory.Exists(folder))
        {
            _checks.Add(PgCheck.Skip(
                PgCheckName.Space, bytes == 0 ? "the dump does not say how much it needs" : "the server's disk cannot be seen from here"));
            return;
        }

        try
        {
            FreeSpace.Require(folder, bytes, "Make room on the server's disk, or try it with -Force.");
            _checks.Add(PgCheck.Pass(PgCheckName.Space, $"{PgSize.Format(bytes)} fit on the server's disk"));
        }
        catch (PgOpsException error)
        {
            if (!_request.Force)
            {
                Lacks($"space: {error.Problem}", error.InState(NothingDone, subject: _target));
            }

            _checks.Add(PgCheck.Skip(PgCheckName.Space, $"{error.Problem} Tried with -Force"));
        }
    }

    private async Task PrivilegesAsync(RolePrivileges privileges, CancellationToken cancellationToken)
    {
        if (!_request.IntoEmpty)
        {
            if (!privileges.MayCreateDatabases)
            {
                Lacks($"permission: \"{privileges.Role}\" may not create databases {privileges.Where} (ALTER ROLE … CREATEDB; "
                    + "or have an empty database made and restore into it with -IntoEmpty)");
            }

            return;
        }

        var may = (await _session.QueryAsync(
            """
            SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
                   coalesce(pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace('public')::pg_catalog.oid, 'CREATE'), true)
            """,
            row => (Schemas: row.GetBoolean(0), Public: row.GetBoolean(1)),
            cancellationToken).ConfigureAwait(false))[0];
        if (!may.Schemas || !may.Public)
        {
            Lacks($"permission: \"{privileges.Role}\" may not create {(may.Public ? "schemas" : "anything in schema public")} "
                + $"in {_target.Database} (make it the database's owner, or GRANT CREATE)");
        }
    }

    private async Task<IReadOnlyList<string>> AbsentAsync(
        string there, IReadOnlyCollection<string> names, CancellationToken cancellationToken, params object[] more)
        => names.Count == 0 ? [] : await _session.QueryAsync(
            $"SELECT needed.name FROM pg_catalog.unnest($1::pg_catalog.text[]) AS needed(name) WHERE NOT EXISTS ({there}) ORDER BY 1",
            row => row.GetString(0),
            cancellationToken,
            [names.ToArray(), .. more]).ConfigureAwait(false);

    private T? Try<T>(Func<T> check)
        where T : class
    {
        try
        {
            return check();
        }
        catch (PgOpsException error)
        {
            Lacks($"{error.Problem} ({error.NextStep})", error);
            return null;
        }
    }

    private void Lacks(string what, PgOpsException? alone = null)
    {
        _missing.Add(what);
        _only = alone;
    }

    private static bool IsOlder(string here, string wanted)
    {
        var (left, right) = (Parts(here), Parts(wanted));
        for (var i = 0; i < Math.Min(left.Length, right.Length); i++)
        {
            if (left[i] != right[i])
            {
                return left[i] < right[i];
            }
        }

        return false;

        static long[] Parts(string version)
            => [.. Number().Matches(version).Select(match => long.Parse(match.ValueSpan, CultureInfo.InvariantCulture))];
    }

    [GeneratedRegex(@"\d{1,18}", RegexOptions.CultureInvariant)]
    private static partial Regex Number();
}
