using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace PgOps.Core.Tests.Support;

/// <summary>
/// A relay on the loopback between a migrator and its server that knows the protocol's messages: it can halt at any statement's end,
/// cut one of the connections, or fall silent without closing it. A migrator's first connection holds the lock, its second one works.
/// </summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    internal const int Lock = 0;
    internal const int Worker = 1;

    private const int CancelRequest = 80877102;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly PgTarget _target;
    private readonly List<Link> _links = [];
    private readonly Task _accepting;

    internal CuttingProxy(PgTarget target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>The server as seen through the relay.</summary>
    internal PgTarget Target => _target with { Host = "127.0.0.1", Port = ((IPEndPoint)_listener.LocalEndpoint).Port };

    /// <summary>How many statements of the working session have passed.</summary>
    internal int Passed => Find(Worker)?.Asked ?? 0;

    /// <summary>Called at the end of each of the working session's statements, before the next one passes.</summary>
    internal Func<int, Task>? AtBoundary { get; init; }

    /// <summary>The server's process behind a connection; null when there is none (yet).</summary>
    internal int? ProcessOf(int connection) => Find(connection)?.Process is > 0 and var process ? process : null;

    /// <summary>Closes a connection on both sides.</summary>
    internal void Cut(int connection) => Find(connection)?.Close();

    /// <summary>Relays nothing any more, closes nothing.</summary>
    internal void Silence(int connection) => Find(connection)?.Silence();

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _accepting;
        lock (_links)
        {
            _links.ForEach(link => link.Close());
        }
    }

    private Link? Find(int connection)
    {
        lock (_links)
        {
            return _links.Where(link => !link.IsCancel).ElementAtOrDefault(connection);
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync();
                _ = RelayAsync(client);
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private async Task RelayAsync(Socket client)
    {
        using var server = _target.Host.StartsWith('/')
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            EndPoint end = _target.Host.StartsWith('/')
                ? new UnixDomainSocketEndPoint($"{_target.Host}/.s.PGSQL.{_target.Port}")
                : new DnsEndPoint(_target.Host, _target.Port);
            await server.ConnectAsync(end);
            using var link = new Link(this, client, server);
            await link.RelayAsync();
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException)
        {
            // Cut, or one side has ended.
        }
        finally
        {
            client.Dispose();
        }
    }

    private sealed class Link : IDisposable
    {
        private readonly CuttingProxy _proxy;
        private readonly NetworkStream _client;
        private readonly NetworkStream _server;
        private readonly SemaphoreSlim _answered = new(0);
        private readonly TaskCompletionSource _silence = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal Link(CuttingProxy proxy, Socket client, Socket server)
        {
            _proxy = proxy;
            client.NoDelay = true;
            _client = new NetworkStream(client, ownsSocket: true);
            _server = new NetworkStream(server, ownsSocket: true);
        }

        internal bool IsCancel { get; private set; }

        internal int Process { get; private set; }

        internal int Asked { get; private set; }

        internal void Close()
        {
            _client.Dispose();
            _server.Dispose();
        }

        public void Dispose()
        {
            Close();
            _answered.Dispose();
        }

        internal void Silence() => _silence.TrySetResult();

        internal async Task RelayAsync()
        {
            var start = await ReadAsync(_client, 0);
            IsCancel = BinaryPrimitives.ReadInt32BigEndian(start.AsSpan(4)) == CancelRequest;
            lock (_proxy._links)
            {
                _proxy._links.Add(this);
            }

            await _server.WriteAsync(start);
            await await Task.WhenAny(FromServerAsync(), FromClientAsync(), _silence.Task);
            await PauseIfSilentAsync();
        }

        private async Task FromClientAsync()
        {
            while (true)
            {
                var message = await ReadAsync(_client, 1);
                await PauseIfSilentAsync();
                await _server.WriteAsync(message);
                if (_proxy.AtBoundary is not null && _proxy.Find(Worker) == this && message[0] is (byte)'E' or (byte)'Q' or (byte)'c')
                {
                    // A flush makes the server answer now, though the batch goes on.
                    await _server.WriteAsync(new byte[] { (byte)'H', 0, 0, 0, 4 });
                    await _answered.WaitAsync(TimeSpan.FromSeconds(10));
                    await _proxy.AtBoundary!(++Asked);
                    await PauseIfSilentAsync();
                }
                else if (message[0] is (byte)'E' or (byte)'Q' or (byte)'c')
                {
                    Asked++;
                }
            }
        }

        private async Task FromServerAsync()
        {
            while (true)
            {
                var message = await ReadAsync(_server, 1);
                if (message[0] == (byte)'K')
                {
                    Process = BinaryPrimitives.ReadInt32BigEndian(message.AsSpan(5));
                }

                await PauseIfSilentAsync();
                await _client.WriteAsync(message);

                // CommandComplete, EmptyQuery, Error, CopyIn, PortalSuspended: the end of a statement.
                if (message[0] is (byte)'C' or (byte)'I' or (byte)'E' or (byte)'G' or (byte)'s')
                {
                    _answered.Release();
                }
            }
        }

        private Task PauseIfSilentAsync() => _silence.Task.IsCompleted ? Task.Delay(Timeout.Infinite) : Task.CompletedTask;

        private static async Task<byte[]> ReadAsync(NetworkStream from, int head)
        {
            var start = new byte[head + 4];
            await from.ReadExactlyAsync(start);
            var message = new byte[head + BinaryPrimitives.ReadInt32BigEndian(start.AsSpan(head))];
            start.CopyTo(message, 0);
            await from.ReadExactlyAsync(message.AsMemory(start.Length));
            return message;
        }
    }
}
