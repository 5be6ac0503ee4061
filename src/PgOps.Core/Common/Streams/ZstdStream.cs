using System.Runtime.InteropServices;

namespace PgOps.Core.Common.Streams;

/// <summary>
/// Unpacks zstd by the system's own library, which a Linux that has a pg_dump with zstd has too
/// (https://facebook.github.io/zstd/zstd_manual.html, "Streaming decompression"). .NET itself does not know zstd before version 11.
/// </summary>
internal sealed partial class ZstdStream : ReadOnlyStream
{
    private const string Library = "libzstd.so.1";

    private static readonly Lazy<bool> Found = new(() => OperatingSystem.IsLinux() && NativeLibrary.TryLoad(Library, out _));

    private readonly Stream _packed;
    private readonly byte[] _input = new byte[128 * 1024];
    private nint _state;
    private int _taken;
    private int _filled;

    // How many more bytes the library would like to have; 0 where a frame has just ended.
    private nuint _wanted;

    /// <param name="packed">Is read to its end and disposed of with this one.</param>
    internal ZstdStream(Stream packed)
    {
        _packed = packed;
        _state = CreateDStream();
        if (_state == 0)
        {
            throw new InsufficientMemoryException("libzstd has no memory for its state.");
        }
    }

    /// <summary>Whether the library is there. Where it is not, pg_restore unpacks.</summary>
    internal static bool IsAvailable => Found.Value;

    /// <summary>Whether data begin as a zstd frame does.</summary>
    internal static bool IsZstd(ReadOnlySpan<byte> beginning) => beginning is [0x28, 0xb5, 0x2f, 0xfd, ..];

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The data are damaged, or their end is missing.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        while (!buffer.IsEmpty)
        {
            // Also without new input, for it may hold back what had no room in the last buffer.
            if (Unpack(buffer.Span) is > 0 and var written)
            {
                return written;
            }

            if (_taken < _filled)
            {
                continue;
            }

            (_taken, _filled) = (0, await _packed.ReadAsync(_input, cancellationToken).ConfigureAwait(false));
            if (_filled == 0)
            {
                return _wanted == 0 ? 0 : throw new InvalidDataException("the end of its zstd data is missing");
            }
        }

        return 0;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!IsDisposed)
        {
            _ = FreeDStream(_state);
            _state = 0;
            if (disposing)
            {
                _packed.Dispose();
            }
        }

        base.Dispose(disposing);
    }

    private bool IsDisposed => _state == 0;

    private unsafe int Unpack(Span<byte> buffer)
    {
        fixed (byte* output = buffer, input = _input)
        {
            var to = new Area { Start = output, Size = (nuint)buffer.Length };
            var from = new Area { Start = input, Size = (nuint)_filled, Position = (nuint)_taken };
            var wanted = DecompressStream(_state, ref to, ref from);
            if (IsError(wanted) != 0)
            {
                throw new InvalidDataException("its zstd data are damaged: " + Marshal.PtrToStringUTF8(ErrorName(wanted)));
            }

            // A call that had nothing to do says how a new frame would begin.
            if (to.Position > 0 || from.Position > (nuint)_taken)
            {
                _wanted = wanted;
            }

            _taken = (int)from.Position;
            return (int)to.Position;
        }
    }

    [LibraryImport(Library, EntryPoint = "ZSTD_createDStream")]
    private static partial nint CreateDStream();

    [LibraryImport(Library, EntryPoint = "ZSTD_freeDStream")]
    private static partial nuint FreeDStream(nint state);

    [LibraryImport(Library, EntryPoint = "ZSTD_decompressStream")]
    private static unsafe partial nuint DecompressStream(nint state, ref Area output, ref Area input);

    [LibraryImport(Library, EntryPoint = "ZSTD_isError")]
    private static partial uint IsError(nuint code);

    [LibraryImport(Library, EntryPoint = "ZSTD_getErrorName")]
    private static partial nint ErrorName(nuint code);

    /// <summary>ZSTD_inBuffer and ZSTD_outBuffer.</summary>
    private unsafe struct Area
    {
        internal void* Start;
        internal nuint Size;
        internal nuint Position;
    }
}
