using System.Diagnostics;
using System.Globalization;
using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Text;
using PgOps.Core.Comparison;
using PgOps.Core.Databases;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Postgres.Sandbox;
using PgOps.Core.Repository;

namespace PgOps.Core.Restores;

/// <summary>
/// A scratch database for a drill, on a given server or in a sandbox of its own. Disposing removes database, roles and sandbox in that
/// order, whatever happened.
/// </summary>
internal sealed class ScratchDestination : RestoreDestination
{
    private readonly PgTarget? _given;
    private readonly string? _binPath;
    private readonly IOperationSink _sink;
    private PgTarget? _server;
    private PgSandbox? _sandbox;
    private ScratchRoles? _roles;
    private StagingDatabase? _staging;
    private string? _name;

    /// <param name="server">The server, by a database to work from; null starts a sandbox.</param>
    /// <param name="binPath">Folder of PostgreSQL's programs; null looks where packages put them.</param>
    /// <param name="sink">Receives progress and log lines.</param>
    internal ScratchDestination(PgTarget? server, string? binPath, IOperationSink sink)
    {
        _given = server;
        _binPath = binPath;
        _sink = sink;
    }

    /// <summary>Major version of the sandbox; null takes the source's, or the nearest newer one that is installed.</summary>
    internal int? AskedVersion { get; init; }

    /// <summary>Folder for the sandbox's files; null takes where sandboxes live.</summary>
    internal string? SandboxPath { get; init; }

    /// <summary>Settings for the sandbox.</summary>
    internal IReadOnlyDictionary<string, string> SandboxSettings { get; init; } = new Dictionary<string, string>();

    /// <summary>Extensions to leave out.</summary>
    internal IReadOnlyList<string> SkippedExtensions { get; init; } = [];

    /// <summary>The server's version, for example 15.18; empty until it is known.</summary>
    internal string ServerVersion { get; private set; } = "";

    /// <summary>Takes the given server or starts a sandbox, and finds the program that loads the payload.</summary>
    /// <exception cref="PgOpsException">
    /// ServerVersionUnsupported, ToolMissing, ToolTooOld, SandboxFailed or a connection's error: the drill cannot be carried out.
    /// </exception>
    internal override async Task<RestorePlan> RequireAsync(BackupProof proof, List<PgCheck> checks, CancellationToken cancellationToken)
    {
        var manifest = proof.Backup.Manifest!;
        var opening = Stopwatch.StartNew();
        RestorePreflight.RefuseOlder(manifest, AskedVersion, "The version asked for");
        if (SkippedExtensions.Count > 0 && DumpFormat.IsScript(manifest.Payload.Format))
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"{proof.Backup} is a script, and nothing can be left out of one: -SkipExtension needs an archive.",
                "Nothing was restored.",
                "Leave -SkipExtension out, or drill on a server that has the extension.");
        }

        _name = DatabaseNames.Staging(manifest.Database);
        var (server, major) = _given is { } given
            ? await TakeAsync(given, cancellationToken).ConfigureAwait(false)
            : await StartAsync(manifest, cancellationToken).ConfigureAwait(false);
        _server = server;
        checks.Add(PgCheck.Pass(PgCheckName.Sandbox, Describe()) with { Duration = opening.Elapsed });
        RestorePreflight.RefuseOlder(manifest, major, $"{server}");
        var unfilled = ExtensionNeeds.Unfilled(manifest.Facts, SkippedExtensions, true);
        if (SkippedExtensions.Count > 0)
        {
            checks.Add(PgCheck.Skip(PgCheckName.Extensions, $"left out: {string.Join(", ", SkippedExtensions)}"));
        }

        return new RestorePlan(RestorePreflight.Tool(manifest, major, _binPath), [], null)
        {
            Manifest = RestorePlan.Filled(manifest, unfilled),
            Unfilled = unfilled,
            Objects = ObjectRules.Restored with { SkippedExtensions = SkippedExtensions },
        };
    }

    /// <inheritdoc/>
    internal override async Task<StagedDatabase> StageAsync(RestorePlan plan, List<PgCheck> checks, CancellationToken cancellationToken)
    {
        var facts = plan.Manifest.Facts;
        var preparing = Stopwatch.StartNew();
        _roles = await ScratchRoles.TakeAsync(_server!, facts, _sink.Log, cancellationToken).ConfigureAwait(false);
        checks.Add(_roles.Check with { Duration = preparing.Elapsed });
        _staging = await StagingDatabase.CreateAsync(
            _server!, plan.Manifest.Database, facts, _sink.Log, cancellationToken, name: _name).ConfigureAwait(false);
        checks.Add(_staging.Collation);

        // The rest of them would mend nothing in a database that nobody works with; that the server takes them is known by now.
        var (settings, check) = await DatabaseSettings.ProbeAsync(
            _staging.Session, _staging.Name, DatabaseSetting.Of(facts), "the drill went on without them", cancellationToken)
            .ConfigureAwait(false);
        checks.Add(check);
        await DatabaseSettings.ApplyAsync(_staging.Session, _staging.Name, settings.Where(setting => setting.IsEarly), cancellationToken)
            .ConfigureAwait(false);
        return new StagedDatabase(_staging.Session, _staging.Target);
    }

    /// <summary>
    /// A script that would lead psql elsewhere, or extensions that the server cannot create: that is the server's fault, and no word
    /// against the backup.
    /// </summary>
    internal override async Task<PgCheck?> ObstacleAsync(BackupProof proof, StagedDatabase staged, CancellationToken cancellationToken)
    {
        ScriptRestore.RefuseUnlessFit(proof);
        if (RestorePreflight.LackOf(proof.Backup) is { } lack)
        {
            return PgCheck.Skip(PgCheckName.Restore, "not made: " + lack.InSentences());
        }

        var facts = proof.Backup.Manifest!.Facts;
        var wanted = ExtensionNeeds.Wanted(facts, SkippedExtensions);
        var missing = await RestorePreflight.MissingExtensionsAsync(staged.Session, wanted, cancellationToken).ConfigureAwait(false);
        if (missing.Count > 0)
        {
            return PgCheck.Skip(
                PgCheckName.Restore,
                $"not made: {RestorePreflight.Describe(missing, facts)}; or leave out what nothing needs: -SkipExtension {missing[0]}");
        }

        var (notLoaded, cronDatabase) = await ExtensionNeeds.LackingAsync(
            staged.Session, wanted, staged.Target.Database, cancellationToken).ConfigureAwait(false);
        return notLoaded.Count > 0
            ? PgCheck.Skip(
                PgCheckName.Restore,
                $"not made: the server has to load {string.Join(", ", notLoaded)} at its start: "
                    + $"Test-PgRestore -SandboxSetting @{{ shared_preload_libraries = '{string.Join(", ", notLoaded)}' }}, "
                    + $"or -SkipExtension {string.Join(", ", notLoaded)}")
            : cronDatabase is null ? null : PgCheck.Skip(
                PgCheckName.Restore,
                $"not made: this server has pg_cron in the database {cronDatabase} alone (cron.database_name). Drill in a sandbox: "
                    + "Test-PgRestore -SandboxSetting @{ shared_preload_libraries = 'pg_cron' }, or use -SkipExtension pg_cron");
    }

    /// <inheritdoc/>
    internal override async Task<PgOpsException?> GiveUpAsync(Exception error, CancellationToken cancellationToken)
    {
        if (error is not NpgsqlException)
        {
            return null;
        }

        cancellationToken.ThrowIfCancellationRequested();
        if (_staging is not null)
        {
            await _staging.DisposeAsync().ConfigureAwait(false);
        }

        return ServerErrors.Working(
            _server!,
            error,
            "the drill",
            _staging is { Stays: true } ? _staging.AfterFailure : "The drill was given up; nothing of it stays behind.");
    }

    /// <summary>Removes everything, and waits until it is gone. Never throws: what stays is logged.</summary>
    public override async ValueTask DisposeAsync()
    {
        if (_staging is not null)
        {
            await _staging.DisposeAsync().ConfigureAwait(false);
        }

        if (_roles is not null)
        {
            await _roles.DisposeAsync().ConfigureAwait(false);
        }

        if (_sandbox is not null)
        {
            await StopAsync(_sandbox).ConfigureAwait(false);
        }
    }

    private string Describe() => _sandbox is null
        ? $"scratch database on {_server}, PostgreSQL {ServerVersion}"
        : string.Create(
            CultureInfo.InvariantCulture, $"PostgreSQL {ServerVersion}, ready in {_sandbox.StartupTime.TotalSeconds:0.0} s");

    private async Task<(PgTarget Server, int Major)> TakeAsync(PgTarget server, CancellationToken cancellationToken)
    {
        var session = await ServerConnection.OpenAsync(server, _sink.Log, cancellationToken).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            ServerVersion = session.VersionText();
            await PoolerDetection.RefuseAsync(session, server, "a drill", cancellationToken).ConfigureAwait(false);
            var ground = await SessionGround.ForWorkAsync(session, server, cancellationToken).ConfigureAwait(false);
            return (ground, session.VersionNumber() / 10000);
        }
    }

    private async Task<(PgTarget Server, int Major)> StartAsync(PgBackupManifest manifest, CancellationToken cancellationToken)
    {
        _sandbox = await new StartSandbox().RunAsync(
            new StartSandboxRequest
            {
                Version = AskedVersion ?? NearestVersion(manifest),
                BinPath = _binPath,
                Path = SandboxPath,
                Settings = ExtensionNeeds.SandboxSettings(SandboxSettings, _name!),
            },
            _sink,
            cancellationToken).ConfigureAwait(false);
        ServerVersion = _sandbox.ServerVersion;
        var major = string.Concat(ServerVersion.TakeWhile(char.IsAsciiDigit));
        return (_sandbox.Target, int.Parse(major, CultureInfo.InvariantCulture));
    }

    // The source's own version proves most; an older server may not take the dump at all.
    private int? NearestVersion(PgBackupManifest manifest)
    {
        var source = manifest.Server.VersionNumber / 10000;
        return PostgresBinaries.List(_binPath)
            .Where(installation => installation.HasServer && installation.Major >= source)
            .Select(installation => (int?)installation.Major)
            .Min() ?? source;
    }

    private async Task StopAsync(PgSandbox sandbox)
    {
        try
        {
            await new StopSandbox().RunAsync(
                new StopSandboxRequest { Sandbox = sandbox }, _sink, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception error) when (error is PgOpsException or IOException or NpgsqlException)
        {
            _sink.Log.SandboxNotRemoved(sandbox.Id, error.Message);
        }
    }
}
