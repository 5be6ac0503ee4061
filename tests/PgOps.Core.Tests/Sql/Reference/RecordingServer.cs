using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace PgOps.Core.Tests.Sql.Reference;

/// <summary>Speaks as much of the protocol as psql needs to send a script, and keeps what it sends. Nothing is executed.</summary>
internal sealed partial class RecordingServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly bool _standardConformingStrings;

    public RecordingServer(bool standardConformingStrings)
    {
        _standardConformingStrings = standardConformingStrings;
        _listener.Start();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Serves one connection to its end.</summary>
    /// <returns>Each statement as sent, and the COPY data sent for it.</returns>
    public async Task<List<(string Sql, string? Data)>> RecordAsync()
    {
        var sent = new List<(string, string?)>();
        using var client = await _listener.AcceptTcpClientAsync();
        client.NoDelay = true;
        var stream = client.GetStream();
        _ = await ReadAsync(stream, typed: false);
        await SendAsync(stream,
            Message('R', [0, 0, 0, 0]), Parameter("server_version", "15.0"), Parameter("client_encoding", "UTF8"),
            Parameter("standard_conforming_strings", _standardConformingStrings ? "on" : "off"), Ready);
        while (await ReadAsync(stream, typed: true) is ('Q', var query))
        {
            var sql = Encoding.UTF8.GetString(query.AsSpan(0, query.Length - 1));
            string? data = null;
            if (CopyFromStdin().IsMatch(sql))
            {
                await SendAsync(stream, Message('G', [0, 0, 0]));
                using var received = new MemoryStream();
                while (await ReadAsync(stream, typed: true) is ('d', var part))
                {
                    received.Write(part);
                }

                data = Encoding.UTF8.GetString(received.ToArray());
            }

            sent.Add((sql, data));
            var setting = SetStrings().Match(sql);
            await SendAsync(stream,
                setting.Success ? Parameter("standard_conforming_strings", setting.Groups[1].Value.ToLowerInvariant()) : [],
                Message('C', "OK\0"u8), Ready);
        }

        return sent;
    }

    public void Dispose() => _listener.Dispose();

    private static byte[] Ready => Message('Z', "I"u8);

    [GeneratedRegex(@"^copy\s[^']*\sfrom\s+(stdin|stdout)\b", RegexOptions.IgnoreCase)]
    private static partial Regex CopyFromStdin();

    [GeneratedRegex(@"^set\s+(?:session\s+|local\s+)?standard_conforming_strings\s*(?:=|to)\s*(on|off)", RegexOptions.IgnoreCase)]
    private static partial Regex SetStrings();

    private static byte[] Parameter(string name, string value) => Message('S', Encoding.UTF8.GetBytes($"{name}\0{value}\0"));

    private static byte[] Message(char type, ReadOnlySpan<byte> body)
    {
        var message = new byte[5 + body.Length];
        message[0] = (byte)type;
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), 4 + body.Length);
        body.CopyTo(message.AsSpan(5));
        return message;
    }

    private static async Task SendAsync(NetworkStream stream, params byte[][] messages)
        => await stream.WriteAsync(messages.SelectMany(message => message).ToArray());

    private static async Task<(char Type, byte[] Body)> ReadAsync(NetworkStream stream, bool typed)
    {
        var head = new byte[typed ? 5 : 4];
        if (await stream.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false) < head.Length)
        {
            return ('X', []);
        }

        var body = new byte[BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(head.Length - 4)) - 4];
        await stream.ReadExactlyAsync(body);
        return (typed ? (char)head[0] : '\0', body);
    }
}
