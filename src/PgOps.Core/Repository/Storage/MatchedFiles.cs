namespace PgOps.Core.Repository.Storage;

/// <summary>What a store shows of files that should be in it.</summary>
/// <param name="Right">Names of those that are there with exactly their hashes.</param>
/// <param name="Absent">Names of those that it does not show at all; the rest are there as something else.</param>
internal sealed record MatchedFiles(IReadOnlySet<string> Right, IReadOnlySet<string> Absent)
{
    /// <summary>Of no files.</summary>
    internal static MatchedFiles None { get; } = new(new HashSet<string>(), new HashSet<string>());
}
