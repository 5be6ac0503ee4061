using System.Text;
using PgOps.Core.Common.Files;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Postgres.ClientTools;

/// <summary>
/// Hands a client key's password to a program. libpq has no environment variable for it, and a command line is seen by all: it comes by
/// a service file that nobody else can read, gone when the program has ended.
/// </summary>
internal sealed class KeyPasswordFile : IDisposable
{
    private const string Service = "pgops";
    private readonly PrivateFolder _folder = new();

    private KeyPasswordFile(string password)
    {
        var file = Path.Combine(_folder.Path, "pg_service.conf");
        using (var stream = DurableFile.Create(file))
        {
            stream.Write(Encoding.UTF8.GetBytes($"[{Service}]\nsslpassword={password}\n"));
        }

        Environment = new Dictionary<string, string> { ["PGSERVICEFILE"] = file, ["PGSERVICE"] = Service };
    }

    /// <summary>What leads the program to the file.</summary>
    internal IReadOnlyDictionary<string, string> Environment { get; }

    /// <summary>Writes the file where a password is needed.</summary>
    /// <exception cref="PgOpsException">TargetInvalid: a password that a service file cannot hold.</exception>
    internal static KeyPasswordFile? For(PgTarget? target)
    {
        if (target?.SslPassword?.Reveal() is not { Length: > 0 } password || !TargetCertificates.Encrypts(target))
        {
            return null;
        }

        return password.AsSpan().Trim().Length == password.Length && !password.AsSpan().ContainsAny('\r', '\n') && password.Length < 900
            ? new KeyPasswordFile(password)
            : throw TargetParser.Invalid(
                "sslpassword begins or ends with a blank, has a line end or is longer than 900 characters: the programs of PostgreSQL "
                    + "cannot be given such a one.",
                "Give the key another password: openssl pkcs8 -topk8 -in KEY -out NEWKEY");
    }

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();
}
