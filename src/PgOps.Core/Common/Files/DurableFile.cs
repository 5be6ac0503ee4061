using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace PgOps.Core.Common.Files;

/// <summary>Makes files and folders private, and sure to be on disk.</summary>
internal static partial class DurableFile
{
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
            file.Flush(flushToDisk: true);
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

    /// <summary>Makes a file private and waits until the disk has it.</summary>
    internal static void Seal(string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, PrivateFile);
        }

        using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        RandomAccess.FlushToDisk(handle);
    }

    /// <summary>
    /// Lets only its owner enter a folder. On Windows it keeps what it inherits, as <see cref="CreateFolder"/> leaves it.
    /// </summary>
    internal static void MakePrivate(string folder)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(folder, PrivateFolder);
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
            // Some network file systems answer EINVAL: they have nothing to wait for.
            const int InvalidArgument = 22;
            if (Sync(descriptor) != 0 && Marshal.GetLastPInvokeError() != InvalidArgument)
            {
                throw new IOException($"Cannot sync the folder {path}: {Marshal.GetLastPInvokeErrorMessage()}");
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

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
