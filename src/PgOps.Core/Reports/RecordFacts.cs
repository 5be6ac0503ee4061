using System.Reflection;
using System.Security.Cryptography;

namespace PgOps.Core.Reports;

/// <summary>Reads a record by its properties, so that a type that came later is reported like the ones that were there.</summary>
internal static class RecordFacts
{
    // Shown in places of their own.
    private static readonly string[] Elsewhere = ["Passed", "Duration", "StartedAt", "Failure", "Problem", "Result", "Done", "State"];

    /// <summary>A property's value; default when the record has none of this name and type.</summary>
    internal static T? Get<T>(object record, string name)
        => record.GetType().GetProperty(name) is { } property && property.GetValue(record) is T value ? value : default;

    /// <summary>Every target that a record holds: their secrets must not show.</summary>
    internal static IEnumerable<PgTarget?> Targets(object record) =>
        Properties(record).Select(property => property.GetValue(record)).SelectMany(value => value switch
        {
            PgTarget target => [target],
            PgBackup backup => [backup.Source],
            IEnumerable<PgMigration> migrations => migrations.Select(migration => migration.Target),
            _ => Enumerable.Empty<PgTarget?>(),
        }).Append((record as PgOpsException)?.Subject as PgTarget);

    /// <summary>The plain properties, a target as its text, a backup with all that identifies it.</summary>
    internal static IEnumerable<ReportFact> Of(object record, ReportText text) =>
        Properties(record).Where(property => !Elsewhere.Contains(property.Name)).SelectMany(property =>
        {
            var name = char.ToLowerInvariant(property.Name[0]) + property.Name[1..];
            return property.GetValue(record) switch
            {
                PgBackup backup => OfBackup(backup, text),
                string words => words.Length == 0 ? [] : [new ReportFact(name, text.Clean(words))],
                PgTarget target => [new ReportFact(name, text.Clean(target.ToString()))],
                DateTime time => [new ReportFact(name, time.ToUniversalTime())],
                int number => [new ReportFact(name, (long)number)],
                Enum choice => [new ReportFact(name, choice.ToString())],
                bool or long or double or TimeSpan => [new ReportFact(name, property.GetValue(record)!)],
                _ => Array.Empty<ReportFact>(),
            };
        }).DistinctBy(fact => fact.Name);

    /// <summary>What tells one backup from any other.</summary>
    internal static ReportFact[] OfBackup(PgBackup backup, ReportText text)
    {
        var manifest = backup.Manifest;
        return
        [
            .. new (string Name, string? Value)[]
            {
                ("backupId", backup.Id),
                ("backupPath", backup.Path),
                ("backupFormat", backup.Format),
                ("manifestSha256", ManifestHash(backup.Path)),
                ("fingerprint", manifest?.Fingerprint),
                ("sourceServer", manifest is null ? null : $"PostgreSQL {manifest.Server.Version}, {manifest.Server.Host}:{manifest.Server.Port}"),
                ("sourceClusterId", manifest?.Server.ClusterId),
                ("walPosition", manifest?.Server.WalPosition),
                ("dumpTool", manifest?.Payload.Tool),
                ("newestMigration", manifest?.Migration is { } mark ? $"{mark.Version}_{mark.Name}" : null),
                ("migrationHistoryHash", manifest?.Migration?.HistoryHash),
                ("backupCreatedBy", manifest?.CreatedBy),
                ("backupCreatedOn", manifest?.CreatedOn),
                ("backupPgOpsVersion", manifest?.PgOpsVersion),
            }.Where(fact => !string.IsNullOrEmpty(fact.Value)).Select(fact => new ReportFact(fact.Name, text.Clean(fact.Value!))),
            new ReportFact("snapshotAt", backup.SnapshotAt.ToUniversalTime()),
            new ReportFact("backupBytes", backup.Bytes),
        ];
    }

    private static IEnumerable<PropertyInfo> Properties(object record)
        => record.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.GetIndexParameters().Length == 0);

    private static string? ManifestHash(string folder)
    {
        try
        {
            return Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, "manifest.json")))).ToLowerInvariant();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
