using PgOps.Core.Postgres.ClientTools;

namespace PgOps.Core.Repository.Encryption;

/// <summary>The program that encrypts and decrypts: age or gpg, as it is installed.</summary>
/// <param name="Name">age or gpg.</param>
/// <param name="Path">The program.</param>
internal sealed record EncryptionTool(string Name, string Path)
{
    /// <summary>age, https://age-encryption.org</summary>
    internal const string Age = "age";

    /// <summary>GnuPG.</summary>
    internal const string Gpg = "gpg";

    /// <summary>What encrypted files' names end in.</summary>
    internal string Ending => EndingOf(Name);

    /// <summary>What the names of files encrypted by a tool end in.</summary>
    internal static string EndingOf(string name) => "." + name;

    /// <summary>Finds it on the PATH.</summary>
    /// <exception cref="PgOpsException">ToolMissing, with the way to get it.</exception>
    internal static EncryptionTool Find(string name)
        => name is not (Age or Gpg)
            ? throw new PgOpsException(
                PgErrorCode.DecryptionFailed, $"The backup is encrypted with \"{name}\", which this PgOps does not know.",
                nextStep: "A newer PgOps may.")
            : new EncryptionTool(name, ProgramSearch.OnPath(OperatingSystem.IsWindows() ? name + ".exe" : name)
                ?? throw new PgOpsException(PgErrorCode.ToolMissing, $"{name} was not found on the PATH.", nextStep: Advice(name)));

    private static string Advice(string name)
    {
        var age = name == Age;
        return OperatingSystem.IsWindows() ? $"Install it with: winget install {(age ? "FiloSottile.age" : "GnuPG.GnuPG")}"
            : OperatingSystem.IsMacOS() ? $"Install it with: brew install {(age ? Age : "gnupg")}"
            : $"Install the package {(age ? Age : "gnupg")} (apt-get, dnf and apk know it by this name).";
    }
}
