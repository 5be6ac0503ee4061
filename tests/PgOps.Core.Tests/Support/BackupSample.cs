using System.Globalization;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Repository;

namespace PgOps.Core.Tests.Support;

/// <summary>Backups without a server: on disk with a payload of random bytes, or as objects alone.</summary>
internal static class BackupSample
{
    internal static PgBackupManifest Manifest(string database, DateTime at, long bytes, string cluster = "7001", string? id = null) => new()
    {
        Id = id ?? Guid.NewGuid().ToString("N"),
        Database = database,
        SnapshotAt = at,
        Server = new PgServerFacts { Version = "15.18", VersionNumber = 150018, ClusterId = cluster },
        Facts = new PgDatabaseFacts { Oid = 1, Encoding = "UTF8", Collate = "C", CType = "C" },
        Payload = new PgPayload { Format = "custom", Path = "data.dump", Bytes = bytes, Tool = "pg_dump (PostgreSQL) 15.18" },
        Fingerprint = "Source",
    };

    /// <summary>Writes one that is complete by all that a listing looks at.</summary>
    internal static PgBackup Write(
        string parent, string database, DateTime at, int bytes = 1000, Func<PgBackupManifest, PgBackupManifest>? manifest = null)
    {
        var folder = Path.Combine(parent, string.Create(CultureInfo.InvariantCulture, $"{database}_{at:yyyyMMdd-HHmmss}Z"));
        Directory.CreateDirectory(folder);
        var payload = new byte[bytes];
        new Random(bytes).NextBytes(payload);
        File.WriteAllBytes(Path.Combine(folder, "data.dump"), payload);
        File.WriteAllBytes(Path.Combine(folder, "manifest.json"), ManifestJson.Write(Changed(Manifest(database, at, bytes))));
        var files = HashList.HashAsync(folder, HashList.Files(folder), null, CancellationToken.None).GetAwaiter().GetResult();
        File.WriteAllBytes(Path.Combine(folder, HashList.FileName), HashList.Text(files));
        return BackupFolder.Read(folder);

        PgBackupManifest Changed(PgBackupManifest plain) => manifest is null ? plain : manifest(plain);
    }

    /// <summary>Enters a passed drill into the ledger.</summary>
    internal static async Task ProveAsync(PgBackup backup) => Assert.Null(await DrillLedger.AppendAsync(
        new PgDrill
        {
            Backup = backup,
            Checks = [PgCheck.Pass("content", "")],
            ContentEqual = true,
            StartedAt = DateTime.UtcNow,
            ServerVersion = "15.18",
        },
        null,
        CancellationToken.None));
}
