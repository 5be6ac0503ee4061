using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using PgOps.Core.Common.Files;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Repository.Signing;
using PgOps.Core.Repository.Storage;

namespace PgOps.Core.Repository;

/// <summary>
/// <c>drills.jsonl</c> beside the backups: one line per drill, each bound to the one before it by its hash. It is what gates and
/// retention go by, so a line that was edited, inserted or taken out makes everything after it worthless. Whoever can write the file
/// can rewrite it, unless its lines are signed.
/// </summary>
internal static class DrillLedger
{
    /// <summary>The ledger's file name.</summary>
    internal const string FileName = "drills.jsonl";

    private const string HashKey = ",\"hash\":\"";
    private const string SignatureKey = ",\"signature\":";
    private const int HashLength = 64;
    private static readonly string Genesis = new('0', HashLength);

    /// <summary>Writes a drill into the ledger in the folder that holds the backup.</summary>
    /// <param name="drill">The drill.</param>
    /// <param name="key">Signs the line; null, or one that can only check, leaves it unsigned.</param>
    /// <param name="cancellationToken">Gives up waiting for another writer.</param>
    /// <returns>What a person should know about the ledger; null when all is well.</returns>
    /// <exception cref="IOException">Not writable, or held by another writer for half a minute.</exception>
    /// <exception cref="UnauthorizedAccessException">Not writable.</exception>
    internal static async Task<string?> AppendAsync(PgDrill drill, BackupKey? key, CancellationToken cancellationToken)
    {
        if (StoreUri.IsRemote(drill.Backup.Path))
        {
            return await StoreLedger.AppendAsync(drill, key, cancellationToken).ConfigureAwait(false);
        }

        var folder = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(drill.Backup.Path)))!;
        var path = Path.Combine(folder, FileName);
        string? remark = null;
        await SharedFile.AppendAsync(
            path,
            bytes =>
            {
                (var whole, var line, remark) = Extend(bytes, drill, Hashes(drill.Backup.Path), key, path);
                return (whole, line);
            },
            cancellationToken).ConfigureAwait(false);
        return remark;
    }

    /// <summary>Works out a ledger's next line.</summary>
    /// <param name="ledger">The ledger so far.</param>
    /// <param name="drill">The drill to enter.</param>
    /// <param name="hashes">SHA-256 of the manifest and of the list of hashes of the drilled backup.</param>
    /// <param name="key">Signs the line when it can; null leaves it unsigned.</param>
    /// <param name="place">The ledger's place, for the remark.</param>
    /// <returns>How much of the ledger stays, the line to follow, and what a person should know; null when all is well.</returns>
    internal static (int Whole, byte[] Line, string? Remark) Extend(
        byte[] ledger, PgDrill drill, (string Manifest, string List) hashes, BackupKey? key, string place)
    {
        // A line without its end is what a writer that died left: it never counted, and the next line must not grow onto it.
        var whole = Array.LastIndexOf(ledger, (byte)'\n') + 1;
        var lines = Lines(ledger.AsSpan(0, whole));
        var (sound, last) = Follow(lines);
        var remark = sound == lines.Count
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"{place}: the chain of hashes breaks at line {sound + 1}, ")
                + "so no drill from there on counts as proof. Find out who changed it, move it away, and drill again.";
        return (whole, Encoding.UTF8.GetBytes(Compose(drill, hashes, last, key is { CanSign: true } ? key : null) + "\n"), remark);
    }

    /// <summary>The backups whose newest drill passed, with that drill.</summary>
    /// <param name="folder">The folder that holds the backups and the ledger.</param>
    /// <param name="key">The key by which a passed drill must be signed; null asks for no signature.</param>
    /// <returns>Backup ids; only those whose manifest and list of hashes are still those that were drilled.</returns>
    internal static IReadOnlyDictionary<string, DrillProof> ReadProven(string folder, BackupKey? key = null)
        => ReadProven(
            SharedFile.Read(Path.Combine(folder, FileName)),
            () => Directory.EnumerateDirectories(folder).AsParallel().Select(Hashes).ToHashSet(),
            key);

    /// <summary>A backup with what the ledger says about it.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="proven">The ledger's proofs.</param>
    internal static PgBackup Mark(PgBackup backup, IReadOnlyDictionary<string, DrillProof> proven)
        => backup.Complete && proven.TryGetValue(backup.Id, out var proof)
            ? backup with { Proven = true, ProvenAt = proof.At, ProvenBy = proof.ToString() }
            : backup;

    /// <summary>The same from a ledger's bytes.</summary>
    /// <param name="ledger">The ledger.</param>
    /// <param name="manifests">
    /// Gives the SHA-256 of every manifest and list of hashes beside it; asked only when there is something to prove.
    /// </param>
    /// <param name="key">The key by which a passed drill must be signed; null asks for no signature.</param>
    internal static IReadOnlyDictionary<string, DrillProof> ReadProven(
        byte[] ledger, Func<IReadOnlySet<(string Manifest, string List)>> manifests, BackupKey? key)
    {
        var proven = new Dictionary<string, DrillProof>(StringComparer.Ordinal);
        var lines = Lines(ledger);
        var (sound, _) = Follow(lines);
        if (sound == 0)
        {
            return proven;
        }

        var present = manifests();
        foreach (var line in lines.Take(sound))
        {
            using var json = JsonDocument.Parse(line);
            var entry = json.RootElement;
            var id = entry.GetProperty("backupId").GetString()!;
            var manifest = entry.GetProperty("manifestSha256").GetString()!;
            var list = entry.TryGetProperty("listSha256", out var bound) ? bound.GetString() : null;
            if (!present.Any(there => there.Manifest == manifest && (list is null || there.List == list)))
            {
                continue;
            }

            // A failed drill needs no signature to count: a forged one takes a proof away but never gives one.
            var passed = entry.GetProperty("passed").GetBoolean();
            if (passed && key is not null && (list is null || !IsSigned(line, key)))
            {
                continue;
            }

            proven.Remove(id);
            if (passed)
            {
                proven[id] = new DrillProof(
                    entry.GetProperty("startedAt").GetDateTime().ToUniversalTime(),
                    entry.GetProperty("serverVersion").GetString()!,
                    TimeSpan.FromSeconds(entry.GetProperty("recoverySeconds").GetDouble()));
            }
        }

        return proven;
    }

    /// <summary>SHA-256 of a file's bytes in lower-case hex; empty for no file.</summary>
    internal static string HashOf(byte[]? file) => file is null ? "" : Hex.Of(SHA256.HashData(file));

    /// <summary>All lines of the ledger, for people to read.</summary>
    /// <param name="folder">The folder that holds the backups and the ledger.</param>
    /// <returns>The lines, and how many of them, from the first on, the chain of hashes holds.</returns>
    internal static (IReadOnlyList<string> Lines, int Sound) ReadLines(string folder)
    {
        var lines = Lines(SharedFile.Read(Path.Combine(folder, FileName)));
        return (lines, Follow(lines).Sound);
    }

    private static string Compose(PgDrill drill, (string Manifest, string List) hashes, string previous, BackupKey? key)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("backupId", drill.Backup.Id);
            json.WriteString("database", drill.Database);
            json.WriteBoolean("passed", drill.Proven);
            json.WriteString("startedAt", drill.StartedAt.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
            json.WriteNumber("recoverySeconds", Math.Round(drill.RecoveryTime.TotalSeconds, 3));
            json.WriteString("serverVersion", drill.ServerVersion);
            json.WriteString("manifestSha256", hashes.Manifest);
            json.WriteString("listSha256", hashes.List);
            json.WriteString("previousHash", previous);
            json.WriteEndObject();
        }

        var rest = Encoding.UTF8.GetString(buffer.ToArray());
        if (key?.Sign(SignedSubject.Drill, Encoding.UTF8.GetBytes(rest)) is { } by)
        {
            rest = $"{rest[..^1]}{SignaturePart(by.Algorithm, by.KeyId, by.Value)}}}";
        }

        return $"{rest[..^1]}{HashKey}{HashOf(previous, rest)}\"}}";
    }

    /// <summary>Whether the key signed a line of which it is known that it is whole.</summary>
    private static bool IsSigned(string line, BackupKey key)
    {
        // In the text of a value the quotation marks would be escaped. Between the signature and the hash nothing else may stand: it
        // would not be signed, and of two properties with one name the second counts.
        var start = line.LastIndexOf(SignatureKey, StringComparison.Ordinal);
        var end = line.Length - HashKey.Length - HashLength - 2;
        using var json = JsonDocument.Parse(line);
        return start > 0 && json.RootElement.TryGetProperty("signature", out var by)
            && by.TryGetProperty("value", out var value)
            && line[start..end] == SignaturePart(key.Algorithm, key.Id, $"{value}")
            && key.Made(
                new BackupSignature { Algorithm = key.Algorithm, KeyId = key.Id, Value = $"{value}" },
                SignedSubject.Drill,
                Encoding.UTF8.GetBytes(line[..start] + "}"));
    }

    private static string SignaturePart(string algorithm, string keyId, string value)
        => $"{SignatureKey}{{\"algorithm\":\"{algorithm}\",\"keyId\":\"{keyId}\",\"value\":\"{value}\"}}";

    /// <summary>Follows the chain from the start.</summary>
    /// <returns>How many lines hold, and the hash of the last line there is, sound or not, for the next one to stand on.</returns>
    private static (int Sound, string Last) Follow(List<string> lines)
    {
        var previous = Genesis;
        var sound = 0;
        foreach (var line in lines)
        {
            if (Verify(line, previous) is not { } hash)
            {
                // Standing on the broken line, whatever it claims, keeps the break in sight.
                return (sound, Hex.Of(SHA256.HashData(Encoding.UTF8.GetBytes(lines[^1]))));
            }

            previous = hash;
            sound++;
        }

        return (sound, previous);
    }

    /// <summary>A line's hash when it is whole and stands on the one before; null otherwise.</summary>
    private static string? Verify(string line, string previous)
    {
        var start = line.Length - HashKey.Length - HashLength - 2;
        if (start <= 0 || !line.AsSpan(start).StartsWith(HashKey, StringComparison.Ordinal)
            || !line.EndsWith("\"}", StringComparison.Ordinal))
        {
            return null;
        }

        var hash = line.Substring(start + HashKey.Length, HashLength);
        var rest = line[..start] + "}";
        if (hash != HashOf(previous, rest))
        {
            return null;
        }

        try
        {
            using var json = JsonDocument.Parse(rest);
            return json.RootElement.GetProperty("previousHash").GetString() == previous ? hash : null;
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }

    private static string HashOf(string previous, string rest)
        => Hex.Of(SHA256.HashData(Encoding.UTF8.GetBytes(previous + rest)));

    private static List<string> Lines(ReadOnlySpan<byte> bytes)
    {
        // A torn last line lacks its end and is not among them.
        var text = Encoding.UTF8.GetString(bytes);
        var pieces = text.Split('\n');
        return [.. pieces.Take(pieces.Length - 1).Where(line => line.Length > 0)];
    }

    /// <summary>The hashes of a backup's manifest and of its list of hashes; empty where there is none.</summary>
    private static (string Manifest, string List) Hashes(string backupFolder)
        => (HashOfFile(Path.Combine(backupFolder, ManifestJson.FileName)), HashOfFile(Path.Combine(backupFolder, HashList.FileName)));

    private static string HashOfFile(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            return Hex.Of(SHA256.HashData(file));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
