using PgOps.Core.Common.Streams;
using PgOps.Core.Common.Text;
using PgOps.Core.Postgres.ClientTools;

namespace PgOps.Core.Repository.Archives;

/// <summary>What a file is packed in, as its first bytes say.</summary>
/// <param name="Ending">What such files' names usually end in, without the dot.</param>
/// <param name="Name">Its name in a sentence.</param>
internal sealed record Packing(string Ending, string Name)
{
    /// <summary>How many first bytes tell.</summary>
    internal const int HeadLength = 16;

    internal static readonly Packing Gzip = new("gz", "gzip");
    internal static readonly Packing Zstd = new("zst", "zstd") { Program = "zstd" };
    internal static readonly Packing Zip = new("zip", "zip") { By = "unzip" };
    private static readonly Packing Xz = new("xz", "xz") { Program = "xz", Package = "xz-utils" };
    private static readonly Packing Bzip2 = new("bz2", "bzip2") { Program = "bzip2" };
    private static readonly Packing Lz4 = new("lz4", "lz4") { Program = "lz4" };
    private static readonly Packing SevenZip = new("7z", "7-Zip") { By = "7z x" };
    private static readonly Packing Compress = new("Z", "compress") { By = "uncompress" };
    private static readonly Packing Age = new("age", "age (encrypted)") { By = "age -d -i <identity> -o <file>" };

    /// <summary>The program that unpacks it from its standard input to its standard output; null where .NET or none does.</summary>
    internal string? Program { get; private init; }

    /// <summary>The Debian package that has the program.</summary>
    internal string? Package { get; private init; }

    private string? By { get; init; }

    /// <summary>Whether it is read as it is unpacked, and needs no room of its own.</summary>
    internal bool IsStreamed => this == Gzip || (this == Zstd && ZstdStream.IsAvailable);

    /// <summary>Recognises it.</summary>
    /// <returns>Null when the data are not packed in a way that is known.</returns>
    internal static Packing? Of(ReadOnlySpan<byte> head) => head switch
    {
        _ when GzipFileStream.IsGzip(head) => Gzip,
        _ when ZstdStream.IsZstd(head) => Zstd,
        [0x50, 0x4b, 0x03, 0x04, ..] => Zip,
        [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, ..] => Xz,
        [0x42, 0x5a, 0x68, >= 0x31 and <= 0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..] => Bzip2,
        [0x04, 0x22, 0x4d, 0x18, ..] => Lz4,
        [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c, ..] => SevenZip,
        [0x1f, 0x9d, ..] => Compress,
        _ when head.StartsWith("age-encryption.o"u8) => Age,
        _ => null,
    };

    /// <summary>Recognises a file's.</summary>
    internal static Packing? Of(Stream file)
    {
        Span<byte> head = stackalloc byte[HeadLength];
        file.Position = 0;
        head = head[..file.ReadAtLeast(head, HeadLength, throwOnEndOfStream: false)];
        file.Position = 0;
        return Of(head);
    }

    /// <summary>Its content, unpacked as it is read.</summary>
    /// <param name="packing">What it is packed in; null for a file that is not packed, and one not <see cref="IsStreamed"/> comes as it
    /// is.</param>
    /// <param name="file">The file; disposed of with the result.</param>
    internal static Stream Open(Packing? packing, Stream file)
        => packing == Gzip ? new GzipFileStream(file)
            : packing == Zstd && ZstdStream.IsAvailable ? new ZstdStream(file)
            : file;

    /// <summary>The command of a person that unpacks a file.</summary>
    internal string CommandFor(string path) => By is null
        ? $"{Program ?? "gzip"} -dk {CommandText.Argument(path)}"
        : $"{By} {CommandText.Argument(path)}";

    /// <summary>The program that unpacks it, where it is installed.</summary>
    /// <param name="path">The file, for the message.</param>
    /// <exception cref="PgOpsException">ToolMissing, naming the packing and the command that unpacks it.</exception>
    internal string FindProgram(string path) => Program is null
        ? throw new PgOpsException(
            PgErrorCode.ToolMissing,
            $"{path} is packed by {Name}, which PgOps does not unpack.",
            "Nothing was read.",
            $"Unpack it and give what comes out: {CommandFor(path)}")
        : ProgramSearch.OnPath(OperatingSystem.IsWindows() ? Program + ".exe" : Program) ?? throw new PgOpsException(
            PgErrorCode.ToolMissing,
            $"{path} is packed by {Name}, and {Program} was not found on the PATH.",
            "Nothing was read.",
            $"Install it (on Debian the package {Package ?? Program}), or unpack the file where it is and give what comes out: "
                + CommandFor(path));
}
