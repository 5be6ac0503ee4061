using System.Text.Json;

namespace PgOps.Core.Common.Files;

/// <summary>
/// Files in JSON that people write for PgOps: comments and trailing commas are allowed, and every problem is named at once.
/// </summary>
internal static class UserJsonFile
{
    private static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>Reads a file's text.</summary>
    /// <param name="path">The file.</param>
    /// <param name="what">What it is, as a sentence's subject: "The masking rules".</param>
    /// <param name="parameter">The cmdlet's parameter that named it.</param>
    /// <param name="state">What state things are in when it cannot be read.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PgOpsException">PathNotFound, PathInaccessible.</exception>
    internal static async Task<string> ReadAsync(
        string path, string what, string parameter, string state, CancellationToken cancellationToken)
    {
        try
        {
            return await File.ReadAllTextAsync(path, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new PgOpsException(
                error is FileNotFoundException or DirectoryNotFoundException ? PgErrorCode.PathNotFound : PgErrorCode.PathInaccessible,
                $"{what} {path} cannot be read: {error.Message}",
                state,
                $"Check the path given with {parameter}.",
                error);
        }
    }

    /// <summary>Reads the text.</summary>
    /// <param name="text">The JSON.</param>
    /// <param name="read">Reads the document, and adds a sentence for each problem.</param>
    /// <param name="problems">Receives a sentence when it is not JSON.</param>
    internal static IReadOnlyList<T> Parse<T>(string text, Func<JsonElement, List<string>, List<T>> read, List<string> problems)
    {
        try
        {
            using var json = JsonDocument.Parse(text, Lenient);
            return read(json.RootElement, problems);
        }
        catch (JsonException error)
        {
            problems.Add($"it is not JSON: {error.Message}");
            return [];
        }
    }
}
