using System.Globalization;
using System.Text.RegularExpressions;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Operations;

namespace PgOps.Core.Repository;

/// <summary>The hash beside a foreign dump: <c>shop.dump.sha256</c>, as sha256sum writes it, or the bare hash.</summary>
internal static partial class ForeignHash
{
    /// <summary>What is added to the dump's name.</summary>
    internal const string Ending = ".sha256";

    private const string Name = PgCheckName.Hashes;

    /// <summary>Compares a dump with it.</summary>
    /// <returns>Passed or failed; skipped when there is none.</returns>
    internal static async Task<PgCheck> CheckAsync(PgBackup backup, ProgressActivity progress, CancellationToken cancellationToken)
    {
        var list = backup.Path + Ending;
        if (!File.Exists(list))
        {
            return PgCheck.Skip(Name, $"there is no {Path.GetFileName(list)} beside it to compare with");
        }

        var lines = await File.ReadAllLinesAsync(list, cancellationToken).ConfigureAwait(false);
        var expected = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in lines.Where(line => line.Length > 0))
        {
            if (Entry().Match(line) is not { Success: true } entry)
            {
                return PgCheck.Fail(Name, $"{list} is not what sha256sum writes.");
            }

            expected[Named(backup.Path, entry.Groups[2].Value)] = entry.Groups[1].Value;
        }

        return await CompareAsync(backup, list, expected, progress, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<PgCheck> CompareAsync(
        PgBackup backup, string list, Dictionary<string, string> expected, ProgressActivity progress, CancellationToken cancellationToken)
    {
        var isFolder = Directory.Exists(backup.Path);
        var folder = isFolder ? backup.Path : Path.GetDirectoryName(backup.Path)!;
        var names = isFolder ? HashList.Files(backup.Path) : [Path.GetFileName(backup.Path)];
        var files = await HashList.HashAsync(folder, names, progress, cancellationToken).ConfigureAwait(false);
        var wrong = files
            .Where(file => !expected.TryGetValue(file.Name, out var hash) || !hash.Equals(file.Hash, StringComparison.OrdinalIgnoreCase))
            .Select(file => expected.ContainsKey(file.Name) ? $"damaged: {file.Name}" : $"not in {Path.GetFileName(list)}: {file.Name}")
            .Concat(isFolder ? expected.Keys.Except(names).Select(name => $"missing: {name}") : [])
            .ToList();
        return wrong.Count == 0
            ? PgCheck.Pass(Name, string.Create(
                CultureInfo.InvariantCulture,
                $"{PgAmount.Of(files.Sum(file => file.Bytes), "byte")} in "
                    + $"{PgAmount.Of(files.Count, "file")}, as in {Path.GetFileName(list)}"))
            : PgCheck.Fail(Name, string.Join("; ", wrong) + ". Use another copy, or find out which of the two is wrong.");
    }

    /// <summary>The file that a line means: as named inside the folder, or from beside it; a lone hash means the dump itself.</summary>
    private static string Named(string dump, string named)
    {
        var name = named.Replace('\\', '/');
        if (!Directory.Exists(dump))
        {
            return name.Length == 0 ? Path.GetFileName(dump) : name[(name.LastIndexOf('/') + 1)..];
        }

        var prefix = Path.GetFileName(dump) + "/";
        name = name.StartsWith("./", StringComparison.Ordinal) ? name[2..] : name;
        return name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : name;
    }

    [GeneratedRegex(@"^\\?([0-9a-fA-F]{64})(?: [ *](.+))?\s*$", RegexOptions.CultureInvariant)]
    private static partial Regex Entry();
}
