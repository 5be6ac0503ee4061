using System.Text.Json;
using PgOps.Core.Repository.Encryption;

namespace PgOps.Core.Repository;

/// <summary>
/// An encrypted backup's manifest is there twice: whole and encrypted, and readable without what tells of the data. The content hash of
/// a small table can be computed backwards, and a database's settings and the definitions of its objects may hold anything.
/// </summary>
internal static class SealedManifest
{
    /// <summary>The manifest without what tells of the data.</summary>
    internal static PgBackupManifest Readable(PgBackupManifest manifest) => manifest with
    {
        Facts = manifest.Facts with { Settings = [], RoleSettings = [], Comment = null, IcuRules = null },
        Objects = manifest.Objects is null ? null : manifest.Objects with { Definitions = null },
        Tables = [.. manifest.Tables.Select(table => table with { Hash = null, Generated = null, Shipped = null })],
        MaterializedViews = manifest.MaterializedViews?.Select(view => view with { Hash = null }).ToList(),
    };

    /// <summary>The backup with the whole manifest; itself when it is not encrypted.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="identity">age's identity file.</param>
    /// <param name="cancellationToken">Ends the tool.</param>
    /// <exception cref="PgOpsException">DecryptionFailed, BackupDamaged, ToolMissing, PathNotFound.</exception>
    internal static async Task<PgBackup> OpenAsync(PgBackup backup, string? identity, CancellationToken cancellationToken)
    {
        if (Decryptor.For(backup, identity) is not { } decryptor)
        {
            return backup;
        }

        var file = Path.Combine(backup.Folder, ManifestJson.FileName + EncryptionTool.EndingOf(backup.Manifest!.Payload.Encryption!.Tool));
        try
        {
            var whole = ManifestJson.Read(await decryptor.ReadAsync(file, cancellationToken).ConfigureAwait(false));
            return ManifestJson.Write(Readable(whole)).AsSpan().SequenceEqual(ManifestJson.Write(Readable(backup.Manifest)))
                ? backup with { Manifest = whole }
                : throw Damaged("it belongs to another backup");
        }
        catch (JsonException error)
        {
            throw Damaged(error.Message);
        }

        PgOpsException Damaged(string why) => new(
            PgErrorCode.BackupDamaged, $"The encrypted manifest of {backup} does not fit: {why}.", "Nothing was read.",
            "Use another backup.")
        { Subject = backup };
    }
}
