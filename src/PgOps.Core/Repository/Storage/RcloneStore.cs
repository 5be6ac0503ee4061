using System.Globalization;
using System.Text;
using System.Text.Json;
using PgOps.Core.Common.Files;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Streams;
using PgOps.Core.Postgres.ClientTools;

namespace PgOps.Core.Repository.Storage;

/// <summary>
/// Anything that the program rclone reaches, as its own configuration says (https://rclone.org/docs/). Many files go in one run of it,
/// for every run logs in again.
/// </summary>
internal sealed class RcloneStore : RemoteStore
{
    private const int DirectoryMissing = 3;
    private const int FileMissing = 4;
    private const int Attempts = 4;

    private static readonly string[] ListOptions = ["--recursive", "--files-only", "--no-mimetype"];

    private readonly string _program;

    internal RcloneStore(StoreUri uri)
        : base(uri)
    {
        _program = ProgramSearch.OnPath(OperatingSystem.IsWindows() ? "rclone.exe" : "rclone") ?? throw new PgOpsException(
            PgErrorCode.ToolMissing,
            "The program rclone is not on the PATH.",
            nextStep: $"Install it ({(OperatingSystem.IsWindows() ? "winget install Rclone.Rclone" : "apt-get install rclone")}, or from "
                + "https://rclone.org) and configure the remote with: rclone config");
    }

    /// <inheritdoc/>
    internal override async Task<IReadOnlyList<StoredFile>> ListAsync(string folder, CancellationToken cancellationToken)
    {
        using var json = new MemoryStream();
        var result = await RunAsync(
            Command("lsjson", [.. ListOptions, Place(folder)]) with { Output = json }, cancellationToken).ConfigureAwait(false);
        return [.. Listed(result, json).Select(entry => entry.File)];
    }

    /// <inheritdoc/>
    internal override async Task<Stream> OpenAsync(string name, CancellationToken cancellationToken)
    {
        var stream = RcloneStream.Start(Command("cat", Place(name)), result => Failure(result, name));
        await stream.BeginAsync(cancellationToken).ConfigureAwait(false);
        return stream;
    }

    /// <inheritdoc/>
    internal override async Task<IReadOnlyDictionary<string, byte[]>> ReadAsync(
        IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        var contents = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        if (names.Count == 0)
        {
            return contents;
        }

        using var folder = new PrivateFolder();
        await CopyAsync(Place(""), folder.Path, names, TransferMeter.Silent, cancellationToken).ConfigureAwait(false);
        foreach (var name in names.Where(name => File.Exists(Path.Combine(folder.Path, name))))
        {
            contents[name] = await File.ReadAllBytesAsync(Path.Combine(folder.Path, name), cancellationToken).ConfigureAwait(false);
        }

        return contents;
    }

    /// <inheritdoc/>
    internal override Task FetchAsync(
        string folder, IReadOnlyList<StoredFile> files, string local, TransferMeter meter, CancellationToken cancellationToken)
        => CopyAsync(Place(folder), local, [.. files.Select(file => file.Name)], meter, cancellationToken);

    /// <inheritdoc/>
    internal override async Task SendAsync(
        FileStore source, string folder, IReadOnlyList<HashedFile> files, TransferMeter meter, CancellationToken cancellationToken)
    {
        if (source is FolderStore local)
        {
            await CopyAsync(local.PathOf(folder), Place(folder), [.. files.Select(file => file.Name)], meter, cancellationToken)
                .ConfigureAwait(false);
            return;
        }

        await SideBySideAsync(files.OrderByDescending(file => file.Bytes), async (file, token) =>
        {
            var name = StoreUri.Join(folder, file.Name);
            for (var attempt = 1; ; attempt++)
            {
                var stream = new ThrottledStream(await source.OpenAsync(name, token).ConfigureAwait(false), meter.Throttle, meter.Add);
                await using var closing = stream.ConfigureAwait(false);
                var size = file.Bytes.ToString(CultureInfo.InvariantCulture);
                var result =
                    await RunAsync(Command("rcat", "--size", size, Place(name)) with { Input = stream }, token).ConfigureAwait(false);
                if (result.ExitCode == 0)
                {
                    return;
                }

                if (attempt == Attempts)
                {
                    throw Failure(result, name);
                }

                await Task.Delay(Backoff.Pause(attempt), token).ConfigureAwait(false);
            }
        }, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    internal override async Task WriteAsync(string name, byte[] content, CancellationToken cancellationToken)
    {
        using var input = new MemoryStream(content, writable: false);
        var result = await RunAsync(Command("rcat", Place(name)) with { Input = input }, cancellationToken).ConfigureAwait(false);
        Ensure(result, name);
    }

    /// <inheritdoc/>
    internal override async Task<MatchedFiles> MatchingAsync(
        string folder, IReadOnlyList<HashedFile> files, CancellationToken cancellationToken)
    {
        if (files.Count == 0)
        {
            return MatchedFiles.None;
        }

        using var json = new MemoryStream();
        var result = await RunAsync(
            Command("lsjson", [.. ListOptions, "--no-modtime", "--hash", "--hash-type", "sha256", Place(folder)]) with { Output = json },
            cancellationToken).ConfigureAwait(false);
        var there = Listed(result, json).ToDictionary(entry => entry.File.Name, StringComparer.Ordinal);
        var sameSize = files.Where(file => there.TryGetValue(file.Name, out var entry) && entry.File.Bytes == file.Bytes).ToList();
        var untold = sameSize.Where(file => there[file.Name].Sha256 is null).ToList();
        var read = untold.Count == 0 ? [] : await ReadBackAsync(folder, untold, cancellationToken).ConfigureAwait(false);
        return new MatchedFiles(
            sameSize.Where(file => there[file.Name].Sha256 == file.Hash).Select(file => file.Name).Concat(read)
                .ToHashSet(StringComparer.Ordinal),
            files.Select(file => file.Name).Where(name => !there.ContainsKey(name)).ToHashSet(StringComparer.Ordinal));
    }

    /// <inheritdoc/>
    internal override async Task<IReadOnlyList<HashedFile>> HashAsync(
        string folder, IReadOnlyList<StoredFile> files, TransferMeter meter, CancellationToken cancellationToken)
    {
        var sizes = files.ToDictionary(file => file.Name, file => file.Bytes, StringComparer.Ordinal);
        var hashed = new List<HashedFile>();
        var command = Listing("hashsum", files.Select(file => file.Name), "sha256", "--download", Place(folder));
        var result = await RunAsync(
            command with
            {
                OnOutput = line =>
                {
                    // The hash, two spaces, the name.
                    if (line.Length > 66 && sizes.TryGetValue(line[66..], out var bytes))
                    {
                        hashed.Add(new HashedFile(line[66..], bytes, line[..64]));
                        meter.Add(bytes);
                    }
                },
            },
            cancellationToken).ConfigureAwait(false);
        Ensure(result, folder);
        return [.. hashed.OrderBy(file => file.Name, StringComparer.Ordinal)];
    }

    /// <inheritdoc/>
    internal override async Task DeleteAsync(IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        if (names.Count == 1)
        {
            var one = await RunAsync(Command("deletefile", Place(names[0])), cancellationToken).ConfigureAwait(false);
            if (one.ExitCode is not (FileMissing or DirectoryMissing))
            {
                Ensure(one, names[0]);
            }
        }
        else if (names.Count > 0)
        {
            var result = await RunAsync(Listing("delete", names, Place("")), cancellationToken).ConfigureAwait(false);
            if (result.ExitCode != DirectoryMissing)
            {
                Ensure(result, "");
            }
        }
    }

    /// <inheritdoc/>
    internal override async Task RemoveFolderAsync(string folder, CancellationToken cancellationToken)
    {
        // Services with folders keep the empty ones.
        var result = await RunAsync(Command("rmdirs", Place(folder)), cancellationToken).ConfigureAwait(false);
        if (result.ExitCode != DirectoryMissing)
        {
            Ensure(result, folder);
        }
    }

    private List<Entry> Listed(ToolResult result, MemoryStream json)
    {
        var entries = new List<Entry>();
        if (result.ExitCode == DirectoryMissing)
        {
            return entries;
        }

        Ensure(result, "");
        using var document = JsonDocument.Parse(json.ToArray());
        foreach (var item in document.RootElement.EnumerateArray())
        {
            var sha256 =
                item.TryGetProperty("Hashes", out var hashes) && hashes.TryGetProperty("sha256", out var hash) ? hash.GetString() : null;
            var modified = item.TryGetProperty("ModTime", out var time) && time.TryGetDateTime(out var at) ? at.ToUniversalTime() : default;
            entries.Add(new Entry(
                new StoredFile(item.GetProperty("Path").GetString()!, item.GetProperty("Size").GetInt64(), modified),
                string.IsNullOrEmpty(sha256) ? null : sha256));
        }

        return entries;
    }

    /// <summary>Copies named files from one place to another in one run, and shows how far it is.</summary>
    private async Task CopyAsync(
        string from, string to, IReadOnlyList<string> names, TransferMeter meter, CancellationToken cancellationToken)
    {
        var arguments = new List<string>
        {
            "--ignore-times",
            "--retries",
            "3",
            "--retries-sleep",
            "2s",
            "--stats",
            "1s",
            "--stats-log-level",
            "NOTICE",
            "--use-json-log",
        };
        if (meter.Throttle.BytesPerSecond is { } limit)
        {
            arguments.AddRange(["--bwlimit", limit.ToString(CultureInfo.InvariantCulture) + "B"]);
        }

        long seen = 0;
        var said = new List<string>();
        var command = Listing("copy", names, [.. arguments, from, to]);
        var result = await RunAsync(command with { OnError = Read }, cancellationToken).ConfigureAwait(false);
        Ensure(result with { Errors = said }, "");

        void Read(string line)
        {
            try
            {
                using var entry = JsonDocument.Parse(line);
                if (entry.RootElement.TryGetProperty("stats", out var stats) && stats.TryGetProperty("bytes", out var bytes))
                {
                    meter.Add(bytes.GetInt64() - seen);
                    seen = bytes.GetInt64();
                }
                else if (entry.RootElement.TryGetProperty("msg", out var message))
                {
                    said.Add((entry.RootElement.TryGetProperty("object", out var about) ? about.GetString() + ": " : "")
                        + message.GetString()!.Trim());
                }
            }
            catch (JsonException)
            {
                said.Add(line);
            }
        }
    }

    private void Ensure(ToolResult result, string name)
    {
        if (result.ExitCode != 0)
        {
            throw Failure(result, name);
        }
    }

    private PgOpsException Failure(ToolResult result, string name)
    {
        if (result.ExitCode is DirectoryMissing or FileMissing)
        {
            return NotFound(name);
        }

        var tool = result.Error();
        return new PgOpsException(
            PgErrorCode.StoreFailed,
            $"{(name.Length == 0 ? Uri : Uri.Child(name))}: {tool.Problem}",
            nextStep: "Try the remote with: rclone lsf " + Place("") + ". Then try again.",
            innerException: tool);
    }

    private string Place(string name) => Uri.Root + (name.Length == 0 ? Uri.Path : StoreUri.Join(Uri.Path, name));

    // Nobody is there to be asked for the password of an encrypted configuration: RCLONE_CONFIG_PASS gives it.
    private ToolCommand Command(string verb, params string[] arguments)
        => new(_program, [verb, "--ask-password=false", "--contimeout", "15s", "--low-level-retries", "5", .. arguments]);

    private ToolCommand Listing(string verb, IEnumerable<string> names, params string[] arguments)
    {
        var list = new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', names) + "\n"), writable: false);
        return Command(verb, ["--files-from-raw", "-", "--no-traverse", .. arguments]) with { Input = list };
    }

    private static Task<ToolResult> RunAsync(ToolCommand command, CancellationToken cancellationToken)
        => ToolProcess.RunAsync(command, cancellationToken);

    private sealed record Entry(StoredFile File, string? Sha256);
}
