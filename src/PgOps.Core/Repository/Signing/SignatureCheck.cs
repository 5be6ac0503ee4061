using PgOps.Core.Common.Hashes;

namespace PgOps.Core.Repository.Signing;

/// <summary>Holds the signature beside a list of hashes against the key that is asked for.</summary>
internal static class SignatureCheck
{
    /// <summary>The check's name.</summary>
    internal const string Name = PgCheckName.Signature;

    /// <summary>Looks at the signature.</summary>
    /// <param name="folder">The backup's folder.</param>
    /// <param name="list">The list's bytes; null when it is missing.</param>
    /// <param name="key">The key that must have signed; null asks for none.</param>
    /// <returns>The check; null when there is no signature and none is asked for.</returns>
    internal static PgCheck? Take(string folder, byte[]? list, BackupKey? key)
    {
        var path = Path.Combine(folder, HashList.SignatureFileName);
        if (!File.Exists(path))
        {
            return key is null ? null : PgCheck.Fail(Name, $"The backup is not signed; a signature by {key} is asked for.");
        }

        if (list is null || BackupSignature.Read(File.ReadAllBytes(path)) is not { } signature)
        {
            return PgCheck.Fail(
                Name, list is null
                    ? $"{HashList.FileName}, which was signed, is missing."
                    : $"{HashList.SignatureFileName} is damaged or of another format.");
        }

        if (key is not null)
        {
            return key.Made(signature, SignedSubject.Backup, list)
                ? PgCheck.Pass(Name, $"signed by {key}")
                : PgCheck.Fail(Name, signature.KeyId == key.Id
                    ? $"The signature by {key} does not fit: {HashList.FileName} or the signature was changed after signing."
                    : $"The backup is signed by {signature.KeyId}, not by {key}, the key that was given.");
        }

        return signature.Certificate is null
            ? PgCheck.Skip(Name, $"signed with the secret key {signature.KeyId}, which was not given")
            : BackupKey.IsWhole(signature, SignedSubject.Backup, list)
                ? PgCheck.Skip(Name, $"signed by {signature.KeyId}, not verified against a key you gave")
                : PgCheck.Fail(
                    Name,
                    $"The signature by {signature.KeyId} does not fit: {HashList.FileName} or the signature was changed after signing.");
    }
}
