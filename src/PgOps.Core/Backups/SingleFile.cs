using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using PgOps.Core.Common.Files;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Repository;

namespace PgOps.Core.Backups;

/// <summary>
/// A backup as sites' own scripts expect it: one file, and beside it its hash as sha256sum writes it. It is made, verified and hashed as
/// every backup is; what is delivered is the payload alone, so that it is a foreign dump from then on.
/// </summary>
internal static partial class SingleFile
{
    private const string DefaultName = "{database}_{utc}";
    private const string NothingWritten = "Nothing was written.";
    private const string Hash = "data.sha256";
    private const int LongestName = 200;

    /// <summary>Refuses what a single file cannot be or keep, and a name that is none.</summary>
    /// <exception cref="PgOpsException">InvalidArgument.</exception>
    internal static void Require(BackupDatabaseRequest request)
    {
        if (!request.SingleFile)
        {
            Refuse(request.FileName is not null, "-FileName names a single file.", "Add -SingleFile, or mark the backup with -Label.");
            return;
        }

        Refuse(
            request.Format == PgBackupFormat.Directory, "A dump in the Directory format is no single file.",
            "Add -Format Plain (name.sql.gz) or -Format Custom (name.dump).");
        Refuse(
            request.Recipients.Count > 0 || request.SigningKey is not null,
            "A single file is neither encrypted nor signed: what says so lies beside the payload of a backup.",
            "Leave -SingleFile out.");
        Refuse(
            request.KeepUntil is not null
                || (request.Label is not null && request.FileName?.Contains("{label}", StringComparison.Ordinal) != true),
            "A single file has no manifest to keep a label or a hold in.",
            "Leave -SingleFile out, or put the label into the name: -FileName '{label}-{utc}'.");
        _ = NameOf(request, "database", DateTime.UtcNow);
    }

    /// <summary>Where it goes.</summary>
    /// <param name="request">What is asked for.</param>
    /// <param name="database">The database's name.</param>
    /// <param name="snapshotAt">When its snapshot was taken.</param>
    /// <exception cref="PgOpsException">InvalidArgument: the name cannot be a file's.</exception>
    internal static string PathOf(BackupDatabaseRequest request, string database, DateTime snapshotAt)
        => Path.Combine(Path.GetFullPath(request.Path), NameOf(request, database, snapshotAt));

    /// <summary>Refuses to take another file's place, unless that is asked for.</summary>
    /// <exception cref="PgOpsException">PathInaccessible.</exception>
    internal static void RequireFree(BackupDatabaseRequest request, string path)
    {
        foreach (var taken in new[] { path, path + ForeignHash.Ending }.Where(Path.Exists))
        {
            if (!request.Force || Directory.Exists(taken))
            {
                throw new PgOpsException(
                    PgErrorCode.PathInaccessible, $"{taken} is there already.", BackupDatabase.NothingLeft,
                    Directory.Exists(taken)
                        ? "Give another -FileName; it is a folder."
                        : "Give another -FileName, for example with {utc} in it, or -Force to replace the file.");
            }
        }
    }

    /// <summary>Gives the payload and its hash their names. What was there goes with -Force alone, its hash before it.</summary>
    /// <param name="request">What is asked for.</param>
    /// <param name="path">Where it goes.</param>
    /// <param name="folder">The unfinished backup.</param>
    /// <param name="files">Its files, on disk and hashed.</param>
    /// <param name="snapshotAt">When its snapshot was taken; the file is of that time.</param>
    /// <param name="cancellationToken">Gives up; nothing is delivered then.</param>
    internal static async Task DeliverAsync(
        BackupDatabaseRequest request, string path, string folder, IReadOnlyList<HashedFile> files, DateTime snapshotAt,
        CancellationToken cancellationToken)
    {
        var name = PayloadName.PathOf(request.Format);
        var (payload, hash, sum) = (Path.Combine(folder, name), Path.Combine(folder, Hash), path + ForeignHash.Ending);
        var line = files.Single(file => file.Name == name) with { Name = Path.GetFileName(path) };
        await DurableFile.WriteAsync(hash, HashList.Text([line]), cancellationToken).ConfigureAwait(false);
        File.SetLastWriteTimeUtc(payload, snapshotAt);
        cancellationToken.ThrowIfCancellationRequested();
        RequireFree(request, path);

        var replaces = File.Exists(path);

        // In this order a dump never lies beside another one's hash, whenever this ends.
        if (request.Force)
        {
            File.Delete(sum);
        }

        try
        {
            DurableFile.Move(payload, path, request.Force);
        }
        catch (IOException error) when (DurableFile.IsTaken(error))
        {
            // Another backup has got the name meanwhile.
            RequireFree(request, path);
            throw;
        }

        try
        {
            DurableFile.Move(hash, sum, request.Force);
            DurableFile.SyncFolder(Path.GetDirectoryName(path)!);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            TakeBack(replaces, path, sum, payload, error);
            throw;
        }
    }

    /// <summary>What a file without a manifest cannot do any more.</summary>
    internal static string Remark(string path)
        => $"{path} has no manifest: from now on it is a dump that PgOps did not make. Test-PgRestore shows that it restores, and cannot "
            + "show that nothing is missing; the roles are not in it.";

    private static void TakeBack(bool replaced, string path, string sum, string payload, Exception error)
    {
        if (replaced)
        {
            var hashed = File.Exists(sum);
            throw new PgOpsException(
                PgErrorCode.PathInaccessible, hashed ? error.Message : $"{sum} cannot be written: {error.Message}",
                $"{path} is the new dump, complete and verified; "
                    + (hashed ? "its hash lies beside it, and neither may outlast a power failure." : "the hash beside it is missing."),
                "Check the disk, then run the command again.", error);
        }

        File.Delete(sum);
        File.Move(path, payload);
    }

    private static string NameOf(BackupDatabaseRequest request, string database, DateTime snapshotAt)
    {
        var given = request.FileName ?? DefaultName;
        var ending = request.Format == PgBackupFormat.Custom ? ".dump" : ".sql.gz";
        var name = given.EndsWith(ending, StringComparison.OrdinalIgnoreCase) ? given[..^ending.Length] : given;
        name = Placeholder().Replace(name, match => match.Value switch
        {
            "{utc}" => snapshotAt.ToString("yyyyMMdd-HHmmss'Z'", CultureInfo.InvariantCulture),
            "{database}" => PartialFolder.SafeName(database),
            "{label}" => request.Label ?? throw Unfit(given, "there is no -Label for {label}"),
            var other => throw Unfit(given, $"{other} is unknown; there are {{utc}}, {{database}} and {{label}}"),
        });
        var why = name.AsSpan().IndexOfAny('/', '\\') >= 0 ? "it is a path; -Path says which folder"
            : name.Any(letter => char.IsControl(letter) || "{}<>:\"|?*".Contains(letter, StringComparison.Ordinal))
                ? "it holds a character that file names do not have everywhere"
            : name.Length == 0 || name[0] is '.' or '-' or ' ' || name[^1] is '.' or ' ' || name.Contains("..", StringComparison.Ordinal)
                ? "it is empty, begins with a dot, a hyphen or a space, ends with a dot or a space, or holds two dots"
            : Reserved().IsMatch(name) ? "Windows keeps it for a device"
            : OtherEnding().IsMatch(name) ? $"its ending speaks of something else than the {ending} that it gets"
            : Encoding.UTF8.GetByteCount(name) > LongestName
                ? string.Create(CultureInfo.InvariantCulture, $"it is longer than {LongestName} bytes")
            : null;
        return why is null ? name + ending : throw Unfit(given, why);
    }

    private static PgOpsException Unfit(string name, string why) => new(
        PgErrorCode.InvalidArgument, $"The file cannot be named '{name}': {why}.", NothingWritten,
        "Give a plain name such as -FileName 'pre-migration-{utc}'.");

    private static void Refuse(bool wrong, string problem, string next)
    {
        if (wrong)
        {
            throw new PgOpsException(PgErrorCode.InvalidArgument, problem, NothingWritten, next);
        }
    }

    [GeneratedRegex(@"\{[^{}]*\}", RegexOptions.CultureInvariant)]
    private static partial Regex Placeholder();

    [GeneratedRegex(@"\A(?:CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(?:\.|\z)", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Reserved();

    [GeneratedRegex(
        @"\.(?:sql|gz|dump|pgdump|backup|zst|xz|bz2|lz4|zip|tar|tgz|sha256|partial|removing)\z",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex OtherEnding();
}
