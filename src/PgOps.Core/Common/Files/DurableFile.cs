using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace PgOps.Core.Common.Files;

/// <summary>Makes files and folders private, and sure to be on disk.</summary>
internal static partial class DurableFile
{
    private const int Interrupted = 4;
    private const int NoSpaceUnix = 28;
    private const int NoSpaceWindows = unchecked((int)0x80070070);
    private const UnixFileMode PrivateFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode PrivateFolder = PrivateFile | UnixFileMode.UserExecute;

    /// <summary>Makes a folder only its owner may enter, and the folders above it where they are missing.</summary>
    internal static void CreateFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, PrivateFolder);
        }
    }

    /// <summary>Writes a private file that must not exist yet.</summary>
    internal static async Task WriteAsync(string path, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var file = Create(path, FileMode.CreateNew);
        await using (file.ConfigureAwait(false))
        {
            try
            {
                await file.WriteAsync(content, cancellationToken).ConfigureAwait(false);
            }
            catch (ArgumentOutOfRangeException error)
            {
                // So .NET calls a file that is longer than the file system or a limit allows (EFBIG).
                throw new IOException($"{path}: the file is too large for its file system", error);
            }

            await file.FlushAsync(cancellationToken).ConfigureAwait(false);
            Sync(file.SafeFileHandle, path);
        }
    }

    /// <summary>Opens a private file for writing, empty.</summary>
    internal static FileStream Create(string path, FileMode mode = FileMode.Create)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write, Options = FileOptions.Asynchronous };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = PrivateFile;
        }

        return new FileStream(path, options);
    }

    /// <summary>
    /// Gives a file its name. One that is not to replace another takes the name first: .NET's own move looks whether it is free and renames
    /// then, and of two that do so at once the later one's file would take the earlier one's place.
    /// </summary>
    /// <param name="from">The file.</param>
    /// <param name="to">Its name from now on.</param>
    /// <param name="replaces">Whether it may take another file's place.</param>
    /// <exception cref="IOException">
    /// The name is taken (<see cref="IsTaken"/>), or it cannot be renamed: then nothing has the name.
    /// </exception>
    internal static void Move(string from, string to, bool replaces)
    {
        if (replaces)
        {
            File.Move(from, to, overwrite: true);
            return;
        }

        File.OpenHandle(to, FileMode.CreateNew, FileAccess.Write).Dispose();
        try
        {
            File.Move(from, to, overwrite: true);
        }
        catch
        {
            File.Delete(to);
            throw;
        }
    }

    /// <summary>Makes a file private, where its file system can, and waits until the disk has it.</summary>
    /// <exception cref="IOException">The disk does not have it.</exception>
    internal static void Seal(string path)
    {
        Restrict(path, PrivateFile);
        using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        Sync(handle, path);
    }

    /// <summary>Waits until the disk has a file.</summary>
    /// <exception cref="IOException">
    /// The disk does not have it: a network file system may say only now that it is full. .NET's own
    /// <see cref="RandomAccess.FlushToDisk"/> passes over an error.
    /// </exception>
    internal static void Sync(SafeFileHandle file, string path)
    {
        if (OperatingSystem.IsWindows())
        {
            RandomAccess.FlushToDisk(file);
            return;
        }

        while (Sync(file) != 0)
        {
            if (Marshal.GetLastPInvokeError() is var code && code != Interrupted)
            {
                throw new IOException($"Cannot sync {path}: {Marshal.GetLastPInvokeErrorMessage()}", code);
            }
        }
    }

    /// <summary>Whether an error says that there is no room left on a disk, or in a quota.</summary>
    internal static bool IsFull(Exception error)
        => error.HResult is NoSpaceUnix or NoSpaceWindows || (OperatingSystem.IsMacOS() ? error.HResult == 69 : error.HResult == 122);

    /// <summary>Whether an error says that there is a file of that name already.</summary>
    internal static bool IsTaken(IOException error) => error.HResult is 17 or unchecked((int)0x80070050);

    /// <summary>
    /// Whether others than its owner may read a file or enter a folder; not known on Windows, where it inherits its rights.
    /// </summary>
    internal static bool IsOpenToOthers(string path)
        => !OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & (UnixFileMode.GroupRead | UnixFileMode.OtherRead)) != 0;

    /// <summary>
    /// Lets only its owner enter a folder, where its file system can. On Windows it keeps what it inherits, as
    /// <see cref="CreateFolder"/> leaves it.
    /// </summary>
    internal static void MakePrivate(string folder) => Restrict(folder, PrivateFolder);

    /// <summary>Shares refuse it (EPERM, ENOTSUP, ENOSYS); <see cref="IsOpenToOthers"/> tells what came of it.</summary>
    private static void Restrict(string path, UnixFileMode mode)
    {
        try
        {
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(path, mode);
            }
        }
        catch (Exception error) when (error is UnauthorizedAccessException || (error is IOException && error.HResult is 95 or 38 or 45))
        {
            // What is there and cannot be opened fails at once; what can be is kept.
        }
    }

    /// <summary>Waits until the disk has a folder's entries. Windows journals them by itself and cannot be asked.</summary>
    internal static void SyncFolder(string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            SyncUnix(path);
        }
    }

    [UnsupportedOSPlatform("windows")]
    private static void SyncUnix(string path)
    {
        var descriptor = Open(path, 0);
        if (descriptor < 0)
        {
            throw new IOException($"Cannot open the folder {path}: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        try
        {
            while (Sync(descriptor) != 0)
            {
                // Some file systems cannot sync a folder, and have nothing to wait for: as in PostgreSQL's fsync_fname_ext
                // (https://doxygen.postgresql.org/file__utils_8c.html).
                const int BadDescriptor = 9, InvalidArgument = 22;
                if (Marshal.GetLastPInvokeError() is var code && code is BadDescriptor or InvalidArgument)
                {
                    return;
                }

                if (code != Interrupted)
                {
                    throw new IOException($"Cannot sync the folder {path}: {Marshal.GetLastPInvokeErrorMessage()}", code);
                }
            }
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
