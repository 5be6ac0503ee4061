using System.Text;

namespace PgOps.Core.Reports;

/// <summary>A file to write: complete under its name, or not there.</summary>
/// <param name="Path">Its full path.</param>
/// <param name="Format">What is written to it.</param>
public sealed record ReportFile(string Path, PgReportFormat Format)
{
    /// <summary>The files of a request, in its order, each one seen to be writable in principle.</summary>
    /// <exception cref="PgOpsException">InvalidArgument: an ending says nothing. PathNotFound: no such folder. PathInaccessible: it is there already.</exception>
    public static IReadOnlyList<ReportFile> Of(ExportReportRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return [.. request.Paths.Select(path => new ReportFile(System.IO.Path.GetFullPath(path), request.Format ?? FormatOf(path)).Checked(request.Force))];
    }

    internal ReportFile Checked(bool force)
    {
        if (!Directory.Exists(System.IO.Path.GetDirectoryName(Path)))
        {
            throw new PgOpsException(
                PgErrorCode.PathNotFound, $"The folder of {Path} does not exist.", "Nothing was written.", "Create it, or give another path.");
        }

        return force || !File.Exists(Path)
            ? this
            : throw new PgOpsException(
                PgErrorCode.PathInaccessible, $"{Path} is there already.", "Nothing was written.", "Give another path, or -Force to replace it.");
    }

    internal async Task WriteAsync(string text, bool force, CancellationToken cancellationToken)
    {
        var partial = $"{Path}.{Guid.NewGuid():N}.partial";
        try
        {
            await File.WriteAllTextAsync(partial, text, new UTF8Encoding(false), cancellationToken).ConfigureAwait(false);
            File.Move(partial, Path, force);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new PgOpsException(
                PgErrorCode.PathInaccessible, $"{Path} cannot be written: {error.Message}", "The file is as it was.", "Give another path.", error);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    private static PgReportFormat FormatOf(string path) => System.IO.Path.GetExtension(path).ToUpperInvariant() switch
    {
        ".HTML" or ".HTM" => PgReportFormat.Html,
        ".MD" or ".MARKDOWN" => PgReportFormat.Markdown,
        ".XML" => PgReportFormat.JUnit,
        ".JSON" => PgReportFormat.Json,
        _ => throw new PgOpsException(
            PgErrorCode.InvalidArgument,
            $"The ending of {path} tells no format.",
            "Nothing was written.",
            "End the path in .html, .md, .xml or .json, or give -Format."),
    };
}
