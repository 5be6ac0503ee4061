using System.Globalization;
using Npgsql;
using PgOps.Core.Common.Text;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Repository;

namespace PgOps.Core.Restores;

/// <summary>What must hold before a restore begins; everything missing is found at once.</summary>
internal static partial class RestorePreflight
{
    /// <summary>
    /// The pg_restore to use, or the psql when the payload is a script: not older than the pg_dump that wrote the archive, and otherwise as
    /// near to the server's version as can be had, for a newer one sends settings that an older server does not know.
    /// </summary>
    /// <exception cref="PgOpsException">ToolMissing or ToolTooOld.</exception>
    internal static PostgresTool Tool(PgBackupManifest manifest, int serverMajor, string? binPath)
    {
        // A script is text for any psql; only an archive needs a reader that knows its version.
        var isScript = DumpFormat.IsScript(manifest.Payload.Format);
        var name = isScript ? "psql" : "pg_restore";
        var dump = isScript ? 0 : DumpVersion.MajorOf(manifest);
        var fitting = PostgresBinaries.List(binPath)
            .Where(installation => installation.Tools.Contains(name) && installation.Major >= Math.Max(dump, serverMajor))
            .MinBy(installation => installation.Major);
        try
        {
            return PostgresBinaries.Client(name, dump, fitting?.BinPath ?? binPath);
        }
        catch (PgOpsException error) when (error.Code == PgErrorCode.ToolTooOld)
        {
            var newest = PostgresBinaries.List(binPath).First(installation => installation.Tools.Contains(name));
            throw error.InState(
                "Nothing was restored.",
                $"The backup was written by {manifest.Payload.Tool}; the newest {name} found is older, {newest.Version} "
                    + $"({newest.PathOf(name)}).");
        }
    }

    /// <summary>Why a part cannot be restored by itself; null when it can.</summary>
    internal static PgOpsException? LackOf(PgBackup backup) => backup.Manifest is not { Payload.Needs: { Count: > 0 } needs } ? null
        : new PgOpsException(
            PgErrorCode.RestoreFailed,
            $"{backup} is a part that needs what it does not hold: {NameList.InSentence(needs, 10)}.",
            "Nothing was restored.",
            "Take the part out of a backup of the whole database (Restore-PgDatabase -Table or -Schema), or run pg_restore into a "
                + "database that has these.")
        { Subject = backup };

    /// <summary>Refuses a server older than the source, which the dump's SQL may not suit.</summary>
    /// <returns>A passed check, or one skipped because of <paramref name="force"/>.</returns>
    internal static PgCheck ServerVersion(PgBackupManifest manifest, int serverVersion, string versionText, PgTarget target, bool force)
    {
        if (serverVersion / 10000 >= manifest.Server.VersionNumber / 10000)
        {
            return PgCheck.Pass(PgCheckName.Server, $"PostgreSQL {versionText}; the source was {manifest.Server.Version}");
        }

        if (force)
        {
            return PgCheck.Skip(
                PgCheckName.Server, $"PostgreSQL {versionText} is older than the source's {manifest.Server.Version}; tried with -Force");
        }

        throw new PgOpsException(
            PgErrorCode.ServerVersionUnsupported,
            $"{target} runs PostgreSQL {versionText}; the backup comes from {manifest.Server.Version}.",
            "Nothing was restored.",
            "Restore to a server of the same or a newer major version, or try it with -Force: "
                + "the comparison with the manifest still decides.")
        { Subject = target };
    }

    /// <summary>Refuses to drill on a server older than the source.</summary>
    /// <param name="manifest">The backup's manifest.</param>
    /// <param name="serverMajor">The server's major version; null when nobody has chosen one.</param>
    /// <param name="server">What it is, for the message.</param>
    /// <exception cref="PgOpsException">ServerVersionUnsupported.</exception>
    internal static void RefuseOlder(PgBackupManifest manifest, int? serverMajor, string server)
    {
        var source = manifest.Server.VersionNumber / 10000;
        if (serverMajor < source)
        {
            throw new PgOpsException(
                PgErrorCode.ServerVersionUnsupported,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{server} is PostgreSQL {serverMajor}; the backup comes from {manifest.Server.Version}."),
                "Nothing was restored.",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Drill in a sandbox of PostgreSQL {source} or newer (-ServerVersion), or on another server (-Target)."));
        }
    }

    /// <summary>Those of some extensions that this server cannot create.</summary>
    internal static async Task<IReadOnlyList<string>> MissingExtensionsAsync(
        NpgsqlConnection session, IReadOnlyList<string> extensions, CancellationToken cancellationToken)
        => await session.QueryAsync(
            """
            SELECT needed.name FROM pg_catalog.unnest($1::pg_catalog.text[]) AS needed(name)
            WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_available_extensions a WHERE a.name = needed.name::pg_catalog.name)
            ORDER BY 1
            """,
            row => row.GetString(0),
            cancellationToken,
            [extensions.ToArray()]).ConfigureAwait(false);

    /// <summary>One sentence about missing extensions, with the way out.</summary>
    internal static string Describe(IReadOnlyList<string> extensions, PgDatabaseFacts facts, string? provider = null)
        => "extensions that the server does not have: "
            + string.Join(", ", extensions.Select(name => $"{name} {facts.Extensions[name]}".TrimEnd()))
            + (provider is null
                ? " (install their packages on the server)"
                : $" ({provider} offers a fixed list: allow them there, or leave them out with -SkipExtension)");
}
