using PgOps.Core.Postgres.ClientTools;

namespace PgOps.Core.Repository;

/// <summary>The version of the pg_dump that wrote a backup.</summary>
internal static class DumpVersion
{
    /// <summary>The major version of the pg_dump that wrote the archive, or of the source where the manifest does not say.</summary>
    internal static int MajorOf(PgBackupManifest manifest) => StatedMajorOf(manifest) ?? manifest.Server.VersionNumber / 10000;

    /// <summary>The major version of the pg_dump that wrote the archive; null when the manifest does not say.</summary>
    internal static int? StatedMajorOf(PgBackupManifest manifest)
        => PostgresBinaries.MajorOf(PostgresBinaries.VersionOf(manifest.Payload.Tool));
}
