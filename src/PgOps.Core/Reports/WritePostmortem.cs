using PgOps.Core.Common.Operations;

namespace PgOps.Core.Reports;

/// <summary>
/// Begins the document about an incident: what the records know is filled in, what only people know is asked for. It judges nothing.
/// </summary>
public sealed class WritePostmortem
{
    /// <summary>Writes it.</summary>
    /// <param name="request">Where to, and what from.</param>
    /// <param name="sink">Receives a failure when the database cannot be read; the document is written all the same and says so.</param>
    /// <param name="cancellationToken">Gives up; nothing is written then.</param>
    /// <returns>The file.</returns>
    /// <exception cref="PgOpsException">PathNotFound, PathInaccessible.</exception>
    public Task<FileInfo> RunAsync(WritePostmortemRequest request, IOperationSink sink, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, () => request.Target, () => WorkAsync(request, sink, cancellationToken));

    /// <summary>The file that it would write now.</summary>
    /// <param name="request">Where to, and what from.</param>
    public static string PathOf(WritePostmortemRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return request.Path is { } path ? Path.GetFullPath(path) : PostmortemPlace.Of(request, new ReportText([request.Target])).FreePath();
    }

    private async Task<FileInfo> WorkAsync(WritePostmortemRequest request, IOperationSink sink, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(sink);
        var records = request.Records.ToList();
        var text = new ReportText(records.SelectMany(RecordFacts.Targets).Append(request.Target));
        var place = request.Path is null ? PostmortemPlace.Of(request, text) : null;
        var file = FileOf(request, place);
        var evidence = new IncidentEvidence();
        if (request.Target is { } target)
        {
            await ReadHistoryAsync(request, target, evidence, text, sink, cancellationToken).ConfigureAwait(false);
        }

        if (request.BackupPath is { } folder)
        {
            await IncidentFiles.ReadBackupsAsync(request, folder, evidence, text, sink, cancellationToken).ConfigureAwait(false);
        }

        foreach (var log in request.LogFiles)
        {
            await IncidentFiles.ReadLogAsync(request, log, evidence, text, cancellationToken).ConfigureAwait(false);
        }

        TakeRecords(records, evidence, text);
        var document = PostmortemDocument.Write(request, evidence, text) + (place?.Mark is { } mark ? $"\n{mark}\n" : "");
        while (true)
        {
            try
            {
                await file.WriteAsync(document, request.Force, cancellationToken).ConfigureAwait(false);
                sink.Log.PostmortemWritten(file.Path);
                return new FileInfo(file.Path);
            }
            catch (PgOpsException) when (place is not null && place.FreePath() != file.Path)
            {
                file = FileOf(request, place);
            }
        }
    }

    private static ReportFile FileOf(WritePostmortemRequest request, PostmortemPlace? place)
    {
        var file = new ReportFile(place?.FreePath() ?? Path.GetFullPath(request.Path!), PgReportFormat.Markdown) { ReplacesReport = false };
        if (place is null)
        {
            return file.Checked(request.Force);
        }

        file.MakeFolder();
        while (true)
        {
            try
            {
                return file.Checked(request.Force);
            }
            catch (PgOpsException) when (place.FreePath() is var next && next != file.Path)
            {
                // Meanwhile another incident has got this name.
                file = file with { Path = next };
            }
        }
    }

    // After an incident the database may be what is missing.
    private static async Task ReadHistoryAsync(
        WritePostmortemRequest request, PgTarget target, IncidentEvidence evidence, ReportText text, IOperationSink sink,
        CancellationToken cancellationToken)
    {
        try
        {
            await IncidentHistory.ReadAsync(request, target, evidence, text, cancellationToken).ConfigureAwait(false);
        }
        catch (PgOpsException error)
        {
            evidence.Sources.Add(text.Clean($"{target}: **the migration history was not read**: {error.Problem}"));
            sink.Failure(error);
        }
    }

    private static void TakeRecords(List<object> records, IncidentEvidence evidence, ReportText text)
    {
        foreach (var result in new ReportReader(text).Read(records))
        {
            var what = $"{result.Title}: {result.Outcome}. {result.Summary}";
            evidence.Sources.Add($"{result.Title}, handed over ({result.Outcome}).");
            if (result.StartedAt is { } at)
            {
                evidence.Events.Add(new IncidentEvent(at, result.Kind, what));
            }

            if (result.Outcome == ReportOutcome.Failed)
            {
                evidence.Failures.Add(what);
            }
            else if (result.Kind is "restore" or "database-reset")
            {
                evidence.Repairs.Add(what);
            }
        }
    }
}
