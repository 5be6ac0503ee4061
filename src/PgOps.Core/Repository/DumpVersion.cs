using System.Globalization;
using System.Text.RegularExpressions;

namespace PgOps.Core.Repository;

/// <summary>The version of the pg_dump that wrote a backup.</summary>
internal static partial class DumpVersion
{
    /// <summary>The major version of the pg_dump that wrote the archive, or of the source where the manifest does not say.</summary>
    internal static int MajorOf(PgBackupManifest manifest)
    {
        var version = ToolVersion().Match(manifest.Payload.Tool);
        return version.Success
            ? int.Parse(version.Groups[1].ValueSpan, CultureInfo.InvariantCulture)
            : manifest.Server.VersionNumber / 10000;
    }

    [GeneratedRegex(@"\) (\d+)", RegexOptions.CultureInvariant)]
    private static partial Regex ToolVersion();
}
