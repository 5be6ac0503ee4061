using System.Text;
using PgOps.Core.Common.Files;

namespace PgOps.Core.Reports;

/// <summary>A file to write: complete under its name, or not there.</summary>
/// <param name="Path">Its full path.</param>
/// <param name="Format">What is written to it.</param>
public sealed record ReportFile(string Path, PgReportFormat Format)
{
    /// <summary>Whether it may take an earlier report's place. A postmortem may not: people write on what stands there.</summary>
    internal bool ReplacesReport { get; init; } = true;

    /// <summary>The files of a request, in its order, each one seen to be writable in principle.</summary>
    /// <exception cref="PgOpsException">InvalidArgument: an ending says nothing. PathNotFound: no such folder. PathInaccessible: a file of
    /// somebody else's is there already.</exception>
    public static IReadOnlyList<ReportFile> Of(ExportReportRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return [.. request.Paths.Select(
            path => new ReportFile(System.IO.Path.GetFullPath(path), request.Format ?? FormatOf(path)).Checked(request.Force))];
    }

    /// <summary>Whether nothing of somebody else's stands under this name: no file, or an earlier report.</summary>
    internal bool IsFree
    {
        get
        {
            try
            {
                return !File.Exists(Path) || (ReplacesReport && ReportMark.IsIn(Path));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw CannotBeWritten(error);
            }
        }
    }

    /// <summary>Makes the folder that it goes into.</summary>
    internal void MakeFolder()
    {
        try
        {
            _ = Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new PgOpsException(
                PgErrorCode.PathInaccessible, $"The folder of {Path} cannot be made: {error.Message}", "Nothing was written.",
                "Give a path (-Path).", error);
        }
    }

    internal ReportFile Checked(bool force)
    {
        if (!Directory.Exists(System.IO.Path.GetDirectoryName(Path)))
        {
            throw new PgOpsException(
                PgErrorCode.PathNotFound, $"The folder of {Path} does not exist.", "Nothing was written.",
                "Create it, or give another path.");
        }

        if (Directory.Exists(Path))
        {
            throw new PgOpsException(
                PgErrorCode.PathInaccessible, $"{Path} is a folder.", "Nothing was written.", "Give the path of a file.");
        }

        return force || IsFree ? this : throw Taken();
    }

    private PgOpsException Taken() => new(
        PgErrorCode.PathInaccessible,
        $"{Path} is there already{(ReplacesReport ? ", and it is not a report that PgOps wrote" : "")}.",
        "Nothing was written.",
        "Give another path (-Path), or -Force to replace it.");

    private PgOpsException CannotBeWritten(Exception error)
        => new(
            PgErrorCode.PathInaccessible, $"{Path} cannot be written: {error.Message}",
            "The file is as it was.", "Give another path.", error);

    internal async Task WriteAsync(string text, bool force, CancellationToken cancellationToken)
    {
        var partial = $"{Path}.{Guid.NewGuid():N}.partial";
        try
        {
            await File.WriteAllTextAsync(partial, text, new UTF8Encoding(false), cancellationToken).ConfigureAwait(false);
            // The work before may have taken hours: whose file it is now counts.
            if (!force && !IsFree)
            {
                throw Taken();
            }

            DurableFile.Move(partial, Path, force || ReplacesReport);
        }
        catch (IOException error) when (DurableFile.IsTaken(error))
        {
            throw Taken();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CannotBeWritten(error);
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
