using System.Security.Cryptography;
using Npgsql;

namespace PgOps.Core.Postgres.Sandbox;

/// <summary>How a sandbox is reached: superuser postgres, no encryption on a socket that nobody else can open.</summary>
internal static class SandboxTarget
{
    internal const string Superuser = "postgres";

    internal static PgTarget For(string host, int port, string database, string password) => new()
    {
        Host = host,
        Port = port,
        Database = database,
        Username = Superuser,
        SslMode = PgSslMode.Disable,
        Password = new PgSecret(password),
    };

    /// <summary>192 random bits, without a character that any file or shell reads in its own way.</summary>
    internal static string NewPassword() => Convert.ToHexString(RandomNumberGenerator.GetBytes(24));

    internal static string ConnectionString(PgTarget target) => new NpgsqlConnectionStringBuilder
    {
        Host = target.Host,
        Port = target.Port,
        Database = target.Database,
        Username = target.Username,
        Password = target.Password?.Reveal(),
        SslMode = SslMode.Disable,
        GssEncryptionMode = GssEncryptionMode.Disable,
        Pooling = false,
        Timeout = 15,
        ApplicationName = "PgOps sandbox",
    }.ConnectionString;
}
