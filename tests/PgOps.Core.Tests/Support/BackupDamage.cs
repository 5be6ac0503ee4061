using PgOps.Core.Common.Hashes;
using PgOps.Core.Repository;

namespace PgOps.Core.Tests.Support;

/// <summary>Damages backups, with or without covering it up in the list of hashes.</summary>
internal static class BackupDamage
{
    /// <summary>Flips one bit of a file.</summary>
    internal static void FlipBit(string path, long at)
    {
        var bytes = File.ReadAllBytes(path);
        bytes[at] ^= 0x10;
        Write(path, bytes);
    }

    /// <summary>Rewrites the manifest and the hashes, as a forger with all rights would.</summary>
    internal static async Task<PgBackup> ForgeAsync(PgBackup backup, Func<PgBackupManifest, PgBackupManifest> change)
    {
        var manifest = change(backup.Manifest!);
        Write(Path.Combine(backup.Path, "manifest.json"), ManifestJson.Write(manifest));
        var files = await HashList.HashAsync(backup.Path, HashList.Files(backup.Path), null, CancellationToken.None);
        Write(Path.Combine(backup.Path, HashList.FileName), HashList.Text(files));
        return backup with { Manifest = manifest };
    }

    private static void Write(string path, byte[] bytes)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        File.WriteAllBytes(path, bytes);
    }
}
