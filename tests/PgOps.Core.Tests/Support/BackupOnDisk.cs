using PgOps.Core.Common.Hashes;
using PgOps.Core.Repository;

namespace PgOps.Core.Tests.Support;

/// <summary>A folder that is a complete backup as far as files go; its archive is random bytes.</summary>
internal static class BackupOnDisk
{
    internal static async Task<PgBackup> MakeAsync(string parent, int bigBytes = 20 * 1024 * 1024, string name = "shop_20260101-000000Z")
    {
        var folder = Directory.CreateDirectory(Path.Combine(parent, name, "data")).Parent!.FullName;
        var random = new Random(bigBytes);
        var big = new byte[bigBytes];
        random.NextBytes(big);
        await File.WriteAllBytesAsync(Path.Combine(folder, "data", "1.dat.gz"), big);
        await File.WriteAllTextAsync(Path.Combine(folder, "data", "toc.dat"), "toc");
        await File.WriteAllTextAsync(Path.Combine(folder, "data", "blob +ä%.txt"), "odd name");
        await File.WriteAllTextAsync(Path.Combine(folder, "globals.sql"), "");
        var manifest = new PgBackupManifest
        {
            Id = Guid.NewGuid().ToString("N"),
            Database = "shop",
            SnapshotAt = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc),
            Server = new PgServerFacts { Version = "15.1", VersionNumber = 150001 },
            Facts = new PgDatabaseFacts { Oid = 1, Encoding = "UTF8", Collate = "C", CType = "C" },
            Payload = new PgPayload { Format = "directory", Path = "data", Bytes = bigBytes + 11, Tool = "pg_dump (PostgreSQL) 15.1" },
            Fingerprint = "None",
        };
        await File.WriteAllBytesAsync(Path.Combine(folder, "manifest.json"), ManifestJson.Write(manifest));
        var files = await HashList.HashAsync(folder, HashList.Files(folder), null, CancellationToken.None);
        await File.WriteAllBytesAsync(Path.Combine(folder, HashList.FileName), HashList.Text(files));
        return BackupFolder.Read(folder);
    }
}
