using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Streams;
using PgOps.Core.Common.Text;
using PgOps.Core.Repository.Storage;

namespace PgOps.Core.Repository;

/// <summary>Copies a backup into a store that has no rename: whatever is there without the list of hashes is not a backup yet.</summary>
internal sealed class CopyToStore
{
    private readonly CopySource _source;
    private readonly RemoteStore _store;
    private readonly TransferMeter _meter;
    private readonly TimeSpan _patience;

    /// <param name="source">The backup.</param>
    /// <param name="store">Where it goes.</param>
    /// <param name="meter">Counts.</param>
    /// <param name="patience">How long to go on asking for what the service has accepted and does not show.</param>
    internal CopyToStore(CopySource source, RemoteStore store, TransferMeter meter, TimeSpan patience)
    {
        _source = source;
        _store = store;
        _meter = meter;
        _patience = patience;
    }

    private string ListName => StoreUri.Join(_source.Name, HashList.FileName);

    /// <summary>Copies what is missing, checks everything, and writes the list.</summary>
    internal async Task RunAsync(CancellationToken cancellationToken)
    {
        var listed = await _source.ListAtAsync(_store, cancellationToken).ConfigureAwait(false);
        _source.RefuseOther(_store.Uri, listed);
        var there = await _store.ListAsync(_source.Name, cancellationToken).ConfigureAwait(false);
        var sizes = there.ToDictionary(file => file.Name, file => file.Bytes, StringComparer.Ordinal);

        // A list says that all was there: what the service does not show of it is waited for, before it is sent anew.
        var begun = listed is not null ? _source.Files
            : [.. _source.Files.Where(file => sizes.GetValueOrDefault(file.Name, -1) == file.Bytes)];
        var right = (await MatchAsync(begun, match => match.Absent.Count == 0 || listed is null, cancellationToken).ConfigureAwait(false))
            .Right;
        var wanted = _source.Files.Where(file => !right.Contains(file.Name)).ToList();
        var foreign = there.Select(file => file.Name)
            .Where(name => name != HashList.FileName && !_source.Files.Any(file => file.Name == name)).ToList();
        if (_store.ListsLate)
        {
            var sought = await _store.SeekAsync(_source.Name, foreign, cancellationToken).ConfigureAwait(false);
            foreign = [.. sought.Select(file => file.Name)];
        }

        _meter.Skip(_source.Files.Where(file => right.Contains(file.Name)).Sum(file => file.Bytes));
        if (listed is not null && wanted.Count + foreign.Count == 0)
        {
            return;
        }

        if (listed is not null)
        {
            // A damaged copy is mended; until that is done it is not to be taken for a backup.
            await _store.DeleteAsync([ListName], cancellationToken).ConfigureAwait(false);
        }

        await _store.DeleteAsync([.. foreign.Select(name => StoreUri.Join(_source.Name, name))], cancellationToken).ConfigureAwait(false);
        await SendAsync(wanted, cancellationToken).ConfigureAwait(false);
        await VerifyAsync(wanted, cancellationToken).ConfigureAwait(false);
        await ListAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The error about files that a service accepted and does not show.</summary>
    internal static PgOpsException NotShown(StoreUri copy, TimeSpan patience, IReadOnlyList<string> names) => new(
        PgErrorCode.StoreFailed,
        $"{copy}: the service accepted {PgAmount.Of(names.Count, "file")} and does not show {(names.Count == 1 ? "it" : "them")}, "
            + $"{PgSize.Format(patience)} later: {NameList.InSentence(names)}.",
        "What was sent stays there; while the service does not show all of it, it is not listed as a backup.",
        "Run the command again later: what the service shows by then is not sent twice.");

    /// <summary>Asks what is there, until the answer will do or patience is at its end.</summary>
    private async Task<MatchedFiles> MatchAsync(
        IReadOnlyList<HashedFile> files, Func<MatchedFiles, bool> willDo, CancellationToken cancellationToken)
    {
        var right = new HashSet<string>(StringComparer.Ordinal);
        var match = MatchedFiles.None;
        await RemoteStore.Waiting(_patience).UntilAsync(
            async () =>
            {
                match = await _store.MatchingAsync(
                    _source.Name, [.. files.Where(file => !right.Contains(file.Name))], cancellationToken).ConfigureAwait(false);
                right.UnionWith(match.Right);
                match = match with { Right = right };
                return right.Count == files.Count || willDo(match);
            },
            cancellationToken).ConfigureAwait(false);
        return match;
    }

    private async Task SendAsync(List<HashedFile> wanted, CancellationToken cancellationToken)
    {
        try
        {
            await _store.SendAsync(_source.Store, _source.Name, wanted, _meter, cancellationToken).ConfigureAwait(false);
        }
        catch (WrongHashException error)
        {
            throw new PgOpsException(
                PgErrorCode.BackupDamaged,
                $"{_source.Uri}: {error.Name} is not what {HashList.FileName} says.",
                "The backup was not copied; what was sent of it is incomplete and is not listed as a backup.",
                "Test-PgBackup says what is damaged. Copy another backup, or another copy of this one.",
                error);
        }
    }

    private async Task VerifyAsync(List<HashedFile> sent, CancellationToken cancellationToken)
    {
        // What is not seen yet, or is seen as it was before, is no reason to remove it: without the list it is no backup anyway.
        var match = await MatchAsync(sent, _ => false, cancellationToken).ConfigureAwait(false);
        var wrong = sent.Select(file => file.Name).Where(name => !match.Right.Contains(name) && !match.Absent.Contains(name)).ToList();
        if (wrong.Count > 0)
        {
            throw Different(wrong);
        }

        if (match.Absent.Count > 0)
        {
            throw NotShown([.. match.Absent.Order(StringComparer.Ordinal)]);
        }
    }

    /// <summary>Writes the list of hashes, the last act.</summary>
    private async Task ListAsync(CancellationToken cancellationToken)
    {
        await _store.WriteAsync(ListName, _source.List, cancellationToken).ConfigureAwait(false);
        byte[]? written = null;
        if (await RemoteStore.Waiting(_patience).UntilAsync(
            async () =>
            {
                written = await _source.ListAtAsync(_store, cancellationToken).ConfigureAwait(false);
                return written.AsSpan().SequenceEqual(_source.List);
            },
            cancellationToken).ConfigureAwait(false))
        {
            return;
        }

        if (written is null)
        {
            throw NotShown([HashList.FileName]);
        }

        await _store.DeleteAsync([ListName], cancellationToken).ConfigureAwait(false);
        throw Different([HashList.FileName]);
    }

    private PgOpsException Different(List<string> names) => new(
        PgErrorCode.BackupDamaged,
        $"{_store.Uri.Child(_source.Name)}: {PgAmount.Of(names.Count, "file")} did not arrive as {HashList.FileName} says: "
            + $"{NameList.InSentence(names)}.",
        "What was sent stays there; the copy is incomplete and is not listed as a backup.",
        $"Test-PgBackup on {_source.Uri} says whether the source is sound; "
            + "if it is, run the command again: the other files are not sent twice.");

    private PgOpsException NotShown(IReadOnlyList<string> names) => NotShown(_store.Uri.Child(_source.Name), _patience, names);
}
