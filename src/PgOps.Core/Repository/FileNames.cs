using PgOps.Core.Repository.Storage;

namespace PgOps.Core.Repository;

/// <summary>Names of files that come from a store.</summary>
internal static class FileNames
{
    /// <summary>Whether a name stays within the folder that it is meant for.</summary>
    internal static bool IsSafe(string name)
        => !name.Any(char.IsControl)
            && name.AsSpan().IndexOfAny('\\', ':') < 0
            && !name.Split('/').Any(part => part is "" or "." or "..");

    /// <summary>
    /// Refuses names that would lead out of the folder they are meant for: whoever writes to the store may not be a friend.
    /// </summary>
    /// <exception cref="PgOpsException">BackupDamaged.</exception>
    internal static void RefuseUnsafe(StoreUri backup, IEnumerable<string> names)
    {
        var bad = names.FirstOrDefault(name => !IsSafe(name));
        if (bad is not null)
        {
            throw new PgOpsException(
                PgErrorCode.BackupDamaged,
                $"{backup} holds a file that no backup has: {string.Concat(bad.Select(letter => char.IsControl(letter) ? '?' : letter))}",
                "Nothing was fetched.",
                "Find out who put it there, and use another copy.");
        }
    }
}
