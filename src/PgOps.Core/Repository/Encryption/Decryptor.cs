using PgOps.Core.Common.Files;
using PgOps.Core.Postgres.ClientTools;

namespace PgOps.Core.Repository.Encryption;

/// <summary>Decrypts a backup's files: age with an identity file, gpg with its own keyring and agent.</summary>
internal sealed class Decryptor
{
    // An OpenSSH key's beginning (base64) when no passphrase protects it.
    private const string OpenSshKey = "-----BEGIN OPENSSH PRIVATE KEY-----";
    private const string OpenSshUnprotected = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU";

    private readonly EncryptionTool _tool;
    private readonly string? _identity;
    private readonly string _subject;

    private Decryptor(EncryptionTool tool, string? identity, string subject)
    {
        _tool = tool;
        _identity = identity;
        _subject = subject;
    }

    /// <summary>Finds the tool and looks at the identity.</summary>
    /// <param name="backup">The backup; one that is not encrypted gives null.</param>
    /// <param name="identity">age's identity file; not needed for gpg.</param>
    /// <exception cref="PgOpsException">DecryptionFailed, ToolMissing, PathNotFound.</exception>
    internal static Decryptor? For(PgBackup backup, string? identity)
    {
        if (backup.Manifest?.Payload.Encryption is not { } facts)
        {
            return null;
        }

        if (facts.Tool == EncryptionTool.Age)
        {
            RequireIdentity(backup, identity);
        }

        return new Decryptor(EncryptionTool.Find(facts.Tool), facts.Tool == EncryptionTool.Age ? identity : null, backup.ToString());
    }

    /// <summary>A run that decrypts a file.</summary>
    /// <param name="input">The file.</param>
    /// <param name="output">The file to write; null writes to the standard output.</param>
    internal ToolCommand Command(string input, string? output = null)
    {
        List<string> arguments = _tool.Name == EncryptionTool.Age
            ? ["--decrypt", "--identity", _identity!]
            : ["--batch", "--yes", "--no-tty", "--quiet"];
        if (output is not null)
        {
            arguments.AddRange(["--output", output]);
        }

        return new ToolCommand(_tool.Path)
        {
            Arguments = [.. arguments, .. _tool.Name == EncryptionTool.Gpg ? ["--decrypt"] : (string[])[], input],
        };
    }

    /// <summary>Decrypts a file into another.</summary>
    internal async Task WriteAsync(string input, string output, CancellationToken cancellationToken)
    {
        Require(await ToolProcess.RunAsync(Command(input, output), cancellationToken).ConfigureAwait(false));
        DurableFile.Seal(output);
    }

    /// <summary>Decrypts a small file.</summary>
    internal async Task<byte[]> ReadAsync(string input, CancellationToken cancellationToken)
    {
        using var content = new MemoryStream();
        Require(await ToolProcess.RunAsync(Command(input) with { Output = content }, cancellationToken).ConfigureAwait(false));
        return content.ToArray();
    }

    /// <summary>Refuses a run that did not end well.</summary>
    /// <exception cref="PgOpsException">DecryptionFailed.</exception>
    internal void Require(ToolResult result)
    {
        if (result.ExitCode != 0)
        {
            throw new PgOpsException(
                PgErrorCode.DecryptionFailed,
                $"{_tool.Name} cannot decrypt {_subject}"
                    + (_identity is null ? "" : $" with the identity {_identity}") + ": " + string.Join(
                        ' ', result.Errors.Where(line => !line.StartsWith("age: report ", StringComparison.Ordinal))),
                "Nothing was read from it.",
                _identity is null
                    ? "The secret key of one of the recipients must be in gpg's keyring, and its agent must know the passphrase."
                    : "Give the identity of one of the recipients that the manifest names (payload.encryption.recipients).");
        }
    }

    private static void RequireIdentity(PgBackup backup, string? identity)
    {
        if (identity is null)
        {
            throw new PgOpsException(
                PgErrorCode.DecryptionFailed,
                $"{backup} is encrypted with age, and no identity was given.",
                "Nothing was read from it.",
                "Give the identity file of one of its recipients: -Identity.");
        }

        if (!File.Exists(identity))
        {
            throw new PgOpsException(PgErrorCode.PathNotFound, $"There is no identity file {identity}.", nextStep: "Check the path.");
        }

        // age would ask for a passphrase, and nobody may be there to answer.
        var first = File.ReadLines(identity).Take(2).ToList();
        if (first is [var head, ..] && (head.StartsWith("age-encryption.org/", StringComparison.Ordinal)
            || head.Contains("AGE ENCRYPTED FILE", StringComparison.Ordinal)
            || head.Contains("ENCRYPTED PRIVATE KEY", StringComparison.Ordinal)
            || (head == OpenSshKey && first.Count > 1 && !first[1].StartsWith(OpenSshUnprotected, StringComparison.Ordinal))))
        {
            throw new PgOpsException(
                PgErrorCode.DecryptionFailed,
                $"The identity {identity} is itself protected by a passphrase, which PgOps cannot ask for.",
                "Nothing was read.",
                "Decrypt it into a private file on a memory disk, and give that.");
        }
    }
}
