namespace PgOps.Core.Common.Files;

/// <summary>Sees to it that a backup does not fill the disk it is written to.</summary>
internal sealed class FreeSpace
{
    private const long LargestReserve = 256L << 20;

    private readonly string _folder;

    /// <param name="folder">A folder on the disk; it need not exist yet.</param>
    internal FreeSpace(string folder)
    {
        var existing = new DirectoryInfo(folder);
        while (!existing.Exists && existing.Parent is not null)
        {
            existing = existing.Parent;
        }

        _folder = existing.FullName;
    }

    /// <summary>Refuses to begin when there is less room than will be needed.</summary>
    /// <exception cref="PgOpsException">DiskFull.</exception>
    internal void Require(long bytes)
    {
        if (Read() is { } space && space.Free - Reserve(space.Total) < bytes)
        {
            throw new PgOpsException(
                PgErrorCode.DiskFull,
                $"The disk of {_folder} has {PgSize.Format(space.Free)} free; the backup will need about {PgSize.Format(bytes)}, and "
                    + $"{PgSize.Format(Reserve(space.Total))} are left alone.",
                "Nothing was written.",
                "Make room (Remove-PgBackup), back up to another disk, or go on all the same with -Force.");
        }
    }

    /// <summary>Refuses when a folder's disk has no room for so many bytes.</summary>
    /// <exception cref="PgOpsException">DiskFull.</exception>
    internal static void Require(string folder, long bytes, string next)
    {
        if (new FreeSpace(folder).Read() is { } space && space.Free < bytes)
        {
            throw new PgOpsException(
                PgErrorCode.DiskFull, $"The disk of {folder} has {PgSize.Format(space.Free)} free; {PgSize.Format(bytes)} are needed.",
                "Nothing was written.", next);
        }
    }

    /// <summary>The error of a disk to which something could not be fetched.</summary>
    internal static PgOpsException Error(string folder, Exception error) => DurableFile.IsFull(error)
        ? new PgOpsException(
            PgErrorCode.DiskFull,
            $"The disk of {folder} is full: {error.Message}",
            "What was fetched was removed.",
            "Make room, or use another disk.",
            error)
        : new PgOpsException(
            PgErrorCode.PathInaccessible,
            $"{folder}: {error.Message}",
            "What was fetched was removed.",
            "Check the path and its permissions.",
            error);

    /// <summary>Breaks off before the disk is full to the last byte, because others write to it too.</summary>
    /// <exception cref="PgOpsException">DiskFull.</exception>
    internal void Watch()
    {
        if (Read() is { } space && space.Free < Reserve(space.Total) / 2)
        {
            throw new PgOpsException(
                PgErrorCode.DiskFull,
                $"The disk of {_folder} is all but full: {PgSize.Format(space.Free)} are free.",
                null,
                "Make room (Remove-PgBackup), or back up to another disk.");
        }
    }

    private static long Reserve(long total) => Math.Min(LargestReserve, total / 50);

    /// <summary>Bytes free and in all; null where the system does not tell, as for a share on Windows.</summary>
    private (long Free, long Total)? Read()
    {
        try
        {
            var drive = new DriveInfo(_folder);
            return (drive.AvailableFreeSpace, drive.TotalSize);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }
}
