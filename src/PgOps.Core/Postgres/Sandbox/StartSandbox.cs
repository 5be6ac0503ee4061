using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Npgsql;
using PgOps.Core.Common.Files;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Operations;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Postgres.Sandbox;

/// <summary>
/// Starts a throwaway PostgreSQL server: private, tuned for speed, gone with the process that started it, even when that is killed.
/// </summary>
public sealed partial class StartSandbox
{
    private readonly Func<SandboxHost> _host = SandboxHost.Current;

    /// <summary>Starts one.</summary>
    /// <param name="request">What kind.</param>
    /// <param name="sink">Progress and log lines; the sandbox is returned and not put out.</param>
    /// <param name="cancellationToken">Gives up; nothing is left behind.</param>
    /// <returns>The sandbox, accepting connections.</returns>
    /// <exception cref="PgOpsException"><see cref="PgErrorCode.ToolMissing"/> without server programs,
    /// <see cref="PgErrorCode.SandboxFailed"/> with the server's last log lines, <see cref="PgErrorCode.InvalidArgument"/>.</exception>
    public Task<PgSandbox> RunAsync(StartSandboxRequest request, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, static () => null, () => WorkAsync(request, sink, cancellationToken));

    private async Task<PgSandbox> WorkAsync(StartSandboxRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        var clock = Stopwatch.StartNew();
        var host = _host();
        var installation = PostgresBinaries.Server(request.Version, request.BinPath);
        var root = host.RootFolder(request.Path);
        await host.MakeRootAsync(root, cancellationToken).ConfigureAwait(false);
        await StraySandboxes.SweepAsync(host, root, sink.Log, cancellationToken).ConfigureAwait(false);

        var template = await SandboxTemplate.EnsureAsync(host, installation, sink, cancellationToken).ConfigureAwait(false);
        var plan = Plan(request, host, root, installation, template);
        var (supervisor, record) = await host.StartAsync(plan, cancellationToken).ConfigureAwait(false);
        try
        {
            await TakeOverAsync(plan, cancellationToken).ConfigureAwait(false);
            record = record with { StartedAt = DateTime.UtcNow, StartupSeconds = clock.Elapsed.TotalSeconds };
            var sandbox = record.Describe(plan.Folder, plan.Password);
            await host.AnnounceAsync(supervisor, plan.Folder, record).ConfigureAwait(false);
            OwnedSandboxes.Add(sandbox, supervisor);
            sink.Log.SandboxReady(sandbox.Id, sandbox.ServerVersion, clock.Elapsed.TotalMilliseconds);
            return sandbox;
        }
        catch (Exception error)
        {
            using (supervisor)
            {
                await supervisor.EndAsync(plan.Folder).ConfigureAwait(false);
            }

            if (error is NpgsqlException)
            {
                throw host.NotStarted(error.Message, error);
            }

            throw;
        }
    }

    private static SandboxPlan Plan(
        StartSandboxRequest request, SandboxHost host, string root, PostgresInstallation installation, SandboxTemplate template)
    {
        var id = request.Name ?? "sb" + Hex.Of(RandomNumberGenerator.GetBytes(5));
        if (!SandboxName().IsMatch(id))
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument, $"'{id}' cannot name a sandbox.", nextStep: "Use up to 40 letters, digits, - and _.");
        }

        var folder = Path.Combine(root, SandboxHost.FolderPrefix + id);
        if (Directory.Exists(folder))
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument,
                $"There is a sandbox named {id} already.",
                nextStep: $"Choose another name, or end it: Stop-PgSandbox {id}");
        }

        var (address, port) = host.AddressOf(folder);
        var own = new Dictionary<string, string>(host.ListenSettings(address, port)) { [ClusterIdentity.SandboxSetting] = id };
        var record = new SandboxRecord
        {
            Id = id,
            Scope = ProcessStamp.Scope,
            Account = host.Account,
            OwnerProcessId = Environment.ProcessId,
            OwnerStamp = ProcessStamp.Of(Environment.ProcessId) ?? "",
            Host = address,
            Port = port,
            Database = request.Database,
            ServerVersion = installation.Version,
        };
        return new SandboxPlan(
            record, folder, template, installation, SandboxSettings.Compose(own, request.Settings), SandboxTarget.NewPassword(),
            request.Timeout);
    }

    // The template's password, which every sandbox of this user starts with, ends here.
    private static async Task TakeOverAsync(SandboxPlan plan, CancellationToken cancellationToken)
    {
        var target = SandboxTarget.For(plan.Record.Host, plan.Record.Port, "postgres", plan.Template.Password);
        var connection = new NpgsqlConnection(SandboxTarget.ConnectionString(target));
        await using (connection.ConfigureAwait(false))
        {
            await connection.OpenAsync(cancellationToken).ConfigureAwait(false);
            await ExecuteAsync($"ALTER ROLE {SandboxTarget.Superuser} PASSWORD {Quote.Literal(plan.Password)}").ConfigureAwait(false);
            if (plan.Record.Database != "postgres")
            {
                await ExecuteAsync($"CREATE DATABASE {Quote.Identifier(plan.Record.Database)}").ConfigureAwait(false);
            }

            async Task ExecuteAsync(string sql)
            {
                var statement = new NpgsqlCommand(sql, connection);
                await using (statement.ConfigureAwait(false))
                {
                    await statement.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
                }
            }
        }
    }

    [GeneratedRegex("^[A-Za-z0-9_-]{1,40}$")]
    private static partial Regex SandboxName();
}
