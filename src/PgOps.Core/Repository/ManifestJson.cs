using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PgOps.Core.Repository;

/// <summary>Writes and reads manifest.json: UTF-8, camelCase, indented, with a line feed at its end.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.Never,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(PgBackupManifest))]
internal sealed partial class ManifestJson : JsonSerializerContext
{
    /// <summary>The manifest's file name.</summary>
    internal const string FileName = "manifest.json";

    /// <summary>The file's bytes.</summary>
    internal static byte[] Write(PgBackupManifest manifest)
    {
        // Names with umlauts stay readable; this is a file, not a web page.
        var readable =
            new ManifestJson(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        return Encoding.UTF8.GetBytes(JsonSerializer.Serialize(manifest, readable.PgBackupManifest).ReplaceLineEndings("\n") + "\n");
    }

    /// <summary>Reads a manifest.</summary>
    /// <exception cref="JsonException">It is not JSON, lacks a part, or has another format than this PgOps knows.</exception>
    internal static PgBackupManifest Read(ReadOnlySpan<byte> json)
    {
        var manifest = Deserialize(json) ?? throw new JsonException("it is empty");
        if (manifest.Format != PgOps.PgBackupManifest.CurrentFormat)
        {
            throw new JsonException(
                $"its format is \"{manifest.Format}\", this PgOps knows \"{PgOps.PgBackupManifest.CurrentFormat}\": "
                    + "a newer PgOps may read it");
        }

        if (manifest.Label is { } label && !BackupLabel.IsPlain(label))
        {
            throw new JsonException("its label is not a plain name, as Backup-PgDatabase writes it");
        }

        return manifest.Server is not { ClusterId: not null, Host: not null }
            || manifest.Facts is not { Owner: not null, Extensions: not null, LocaleProvider: not null }
            || manifest.Payload is not { Path: not null, Format: not null, Tool: not null, Compression: not null }
            || manifest.Tables is null || manifest.Sequences is null || manifest.Timings is null || string.IsNullOrEmpty(manifest.Id)
            ? throw new JsonException("a part is missing")
            : manifest;
    }

    private static PgBackupManifest? Deserialize(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, Default.PgBackupManifest);
        }
        catch (ArgumentNullException error)
        {
            // The serializer hands null to the initialiser of a list whose name is damaged.
            throw new JsonException("a part is missing", error);
        }
    }
}
