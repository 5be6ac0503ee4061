using PgOps.Core.Common.Files;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Repository.Encryption;

namespace PgOps.Core.Backups;

/// <summary>Encrypts for some recipients, by their public keys alone: who makes backups need not be able to read them.</summary>
internal sealed class Encryptor
{
    private static readonly string[] Armored = ["age1", "ssh-ed25519 ", "ssh-rsa "];

    private readonly EncryptionTool _tool;

    private Encryptor(EncryptionTool tool, IReadOnlyList<string> recipients)
    {
        _tool = tool;
        Facts = new PgEncryption { Tool = tool.Name, Recipients = recipients };
    }

    /// <summary>What the manifest says about it.</summary>
    internal PgEncryption Facts { get; }

    /// <summary>What encrypted files' names end in.</summary>
    internal string Ending => _tool.Ending;

    /// <summary>Finds the tool, resolves the recipients and encrypts nothing for them once, so that a bad one is found at once.</summary>
    /// <param name="recipients">
    /// For age <c>age1…</c>, an SSH public key, or a file of such; else what gpg knows a key by. None means no encryption.
    /// </param>
    /// <param name="cancellationToken">Ends the tool.</param>
    /// <returns>Null when there are no recipients.</returns>
    /// <exception cref="PgOpsException">ToolMissing, InvalidArgument.</exception>
    internal static async Task<Encryptor?> FindAsync(IReadOnlyList<string> recipients, CancellationToken cancellationToken)
    {
        if (recipients.Count == 0)
        {
            return null;
        }

        var expanded = recipients.SelectMany(Expand).Distinct(StringComparer.Ordinal).ToList();
        var forAge = expanded.Count(IsAge);
        if (expanded.Count == 0 || (forAge != 0 && forAge != expanded.Count))
        {
            throw Bad(
                expanded.Count == 0 ? "The recipients' file names nobody." : "Some recipients are age's and some are gpg's.",
                "Give recipients of one kind.");
        }

        var tool = EncryptionTool.Find(forAge > 0 ? EncryptionTool.Age : EncryptionTool.Gpg);
        if (forAge == 0)
        {
            for (var index = 0; index < expanded.Count; index++)
            {
                expanded[index] = await FingerprintAsync(tool, expanded[index], cancellationToken).ConfigureAwait(false);
            }
        }

        var encryptor = new Encryptor(tool, expanded);
        var result = await ToolProcess.RunAsync(encryptor.Command() with { Output = Stream.Null }, cancellationToken).ConfigureAwait(false);
        return result.ExitCode == 0
            ? encryptor
            : throw Bad(
                $"{tool.Name} takes no such recipient: {string.Join(' ', result.Errors.Take(1))}", "Check the recipient's public key.");
    }

    /// <summary>A run that encrypts its standard input.</summary>
    /// <param name="output">The file to write; null writes to the standard output.</param>
    /// <param name="input">The file to read in place of the standard input.</param>
    internal ToolCommand Command(string? output = null, string? input = null)
    {
        List<string> arguments = _tool.Name == EncryptionTool.Age
            ? ["--encrypt"]
            : ["--batch", "--yes", "--no-tty", "--quiet", "--trust-model", "always", "--compress-algo", "none"];
        foreach (var recipient in Facts.Recipients)
        {
            arguments.AddRange(["--recipient", recipient]);
        }

        if (output is not null)
        {
            arguments.AddRange(["--output", output]);
        }

        if (_tool.Name == EncryptionTool.Gpg)
        {
            arguments.Add("--encrypt");
        }

        return new ToolCommand(_tool.Path) { Arguments = input is null ? arguments : [.. arguments, input] };
    }

    /// <summary>Encrypts files, each to one whose name has the ending, and removes the plain ones.</summary>
    /// <exception cref="PgOpsException">ToolFailed.</exception>
    internal async Task ReplaceAsync(IReadOnlyList<string> files, Action<string> onFile, CancellationToken cancellationToken)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(files, options, async (file, token) =>
        {
            var result = await ToolProcess.RunAsync(Command(file + Ending, file), token).ConfigureAwait(false);
            Require(result);
            File.Delete(file);
            onFile(file);
        }).ConfigureAwait(false);
    }

    /// <summary>Encrypts what never was in a file.</summary>
    /// <exception cref="PgOpsException">ToolFailed.</exception>
    internal async Task WriteAsync(string path, byte[] content, CancellationToken cancellationToken)
    {
        using var input = new MemoryStream(content);
        Require(await ToolProcess.RunAsync(Command(path + Ending) with { Input = input }, cancellationToken).ConfigureAwait(false));
        DurableFile.Seal(path + Ending);
    }

    /// <summary>Encrypts what a program writes to its standard output.</summary>
    /// <returns>How the program ended.</returns>
    /// <exception cref="PgOpsException">ToolFailed when the encryption did not end well.</exception>
    internal async Task<ToolResult> PipeAsync(ToolCommand source, string path, CancellationToken cancellationToken)
    {
        var (written, readers) = await ToolRelay.RunAsync(source, [Command(path + Ending)], cancellationToken).ConfigureAwait(false);
        if (written is null or { ExitCode: 0 })
        {
            Require(readers[0]!);
        }

        return written ?? throw new PgOpsException(PgErrorCode.BackupFailed, $"{_tool.Name} stopped reading.", BackupDatabase.NothingLeft);
    }

    /// <summary>Refuses a run that did not end well.</summary>
    /// <exception cref="PgOpsException">ToolFailed.</exception>
    internal static void Require(ToolResult result)
        => result.EnsureSuccess(BackupDatabase.NothingLeft, "Mend what it complains about and run the backup again.");

    private static IEnumerable<string> Expand(string recipient)
    {
        // A secret key must not come near a command line or an error.
        RefuseSecret(recipient);
        if (IsAge(recipient) || !File.Exists(recipient))
        {
            return [recipient.Trim()];
        }

        var lines = File.ReadAllLines(recipient).Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] != '#').ToList();
        lines.ForEach(RefuseSecret);
        return lines.TrueForAll(IsAge)
            ? lines
            : throw Bad(
                $"{recipient} is not a file of age's recipients: each line is age1…, or an SSH public key.", "Give a file of public keys.");
    }

    private static void RefuseSecret(string text)
    {
        if (text.Contains("AGE-SECRET-KEY-", StringComparison.OrdinalIgnoreCase) || text.Contains("PRIVATE KEY", StringComparison.Ordinal))
        {
            throw Bad("A recipient is a public key, and this is a secret one.", "Give its public half, for age what age-keygen -y prints.");
        }
    }

    private static bool IsAge(string recipient) => Array.Exists(Armored, start => recipient.StartsWith(start, StringComparison.Ordinal));

    /// <summary>The one key that gpg means by a name: another key with the same name must not be taken by chance.</summary>
    private static async Task<string> FingerprintAsync(EncryptionTool gpg, string recipient, CancellationToken cancellationToken)
    {
        var lines = new List<string>();
        var result = await ToolProcess.RunAsync(
            new ToolCommand(gpg.Path, "--batch", "--no-tty", "--with-colons", "--list-keys", "--", recipient) { OnOutput = lines.Add },
            cancellationToken).ConfigureAwait(false);

        // "pub" begins a key, and the first "fpr" behind it is the fingerprint of the primary one.
        var fingerprints = lines.Select((line, at) => (line, at)).Where(one => one.line.StartsWith("pub:", StringComparison.Ordinal))
            .Select(one => lines.Skip(one.at).First(line => line.StartsWith("fpr:", StringComparison.Ordinal)).Split(':')[9]).ToList();
        return result.ExitCode == 0 && fingerprints.Count == 1
            ? fingerprints[0]
            : throw Bad(
                fingerprints.Count > 1
                    ? $"gpg knows {PgAmount.Of(fingerprints.Count, "key")} by \"{recipient}\"."
                    : $"gpg knows no key by \"{recipient}\".",
                "Import the public key, or name it by its fingerprint; a recipient of age begins with age1 or ssh-, or is a file of such.");
    }

    private static PgOpsException Bad(string problem, string nextStep)
        => new(PgErrorCode.InvalidArgument, problem, "Nothing was written.", nextStep);
}
