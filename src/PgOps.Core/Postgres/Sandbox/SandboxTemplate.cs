using System.Security.Cryptography;
using System.Text;
using PgOps.Core.Common.Files;
using PgOps.Core.Common.Operations;
using PgOps.Core.Postgres.ClientTools;

namespace PgOps.Core.Postgres.Sandbox;

/// <summary>An initialised data directory that sandboxes are copied from, and the password it was made with.</summary>
/// <param name="Folder">Holds <c>data</c> and <c>password</c>.</param>
/// <param name="Password">The superuser's password until a sandbox gets its own.</param>
internal sealed record SandboxTemplate(string Folder, string Password)
{
    // Counts up when a template made by an earlier PgOps would not do any more.
    private const string Format = "1";

    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(2);

    /// <summary>Finds the template of an installation, or makes it; one process does, the others wait.</summary>
    internal static async Task<SandboxTemplate> EnsureAsync(
        SandboxHost host, PostgresInstallation installation, IOperationSink sink, CancellationToken cancellationToken)
    {
        var root = Path.Combine(host.CacheFolder, "templates");
        await host.MakeRootAsync(root, cancellationToken).ConfigureAwait(false);
        var name = NameOf(installation);
        var folder = Path.Combine(root, name);
        if (Read(folder) is { } ready)
        {
            return ready;
        }

        using var activity = new ProgressActivity(sink, "Preparing PostgreSQL for sandboxes");
        activity.Report($"initdb {installation.Version}, once for this version");
        using var turn = await LockAsync(Path.Combine(host.CacheFolder, name + ".lock"), cancellationToken).ConfigureAwait(false);
        if (Read(folder) is { } madeByAnother)
        {
            return madeByAnother;
        }

        var password = SandboxTarget.NewPassword();
        await host.MakeTemplateAsync(folder, installation, password, cancellationToken).ConfigureAwait(false);
        return new SandboxTemplate(folder, password);
    }

    private static SandboxTemplate? Read(string folder)
    {
        try
        {
            return File.Exists(Path.Combine(folder, "data", "PG_VERSION"))
                ? new SandboxTemplate(folder, File.ReadAllText(Path.Combine(folder, "password")).Trim())
                : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string NameOf(PostgresInstallation installation)
    {
        var place = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(installation.BinPath)))[..8];
        var version = string.Concat(installation.Version.Select(c => char.IsAsciiLetterOrDigit(c) || c == '.' ? c : '_'));
        return $"{version}-{place}-{Format}";
    }

    private static async Task<FileStream> LockAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return await FileLock.TakeAsync(path, LongestWait, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException error)
        {
            throw new PgOpsException(
                PgErrorCode.SandboxFailed,
                $"The template for sandboxes is locked by {path}: {error.Message}",
                nextStep: "See whether another process hangs in initdb.",
                innerException: error);
        }
    }
}
