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

    internal CopyToStore(CopySource source, RemoteStore store, TransferMeter meter)
    {
        _source = source;
        _store = store;
        _meter = meter;
    }

    private string ListName => StoreUri.Join(_source.Name, HashList.FileName);

    /// <summary>Copies what is missing, checks everything, and writes the list.</summary>
    internal async Task RunAsync(CancellationToken cancellationToken)
    {
        var listed = await _source.ListAtAsync(_store, cancellationToken).ConfigureAwait(false);
        _source.RefuseOther(_store.Uri, listed);
        var there = await _store.ListAsync(_source.Name, cancellationToken).ConfigureAwait(false);
        var sizes = there.ToDictionary(file => file.Name, file => file.Bytes, StringComparer.Ordinal);
        var begun = _source.Files.Where(file => sizes.GetValueOrDefault(file.Name, -1) == file.Bytes).ToList();
        var right = await _store.MatchingAsync(_source.Name, begun, cancellationToken).ConfigureAwait(false);
        var wanted = _source.Files.Where(file => !right.Contains(file.Name)).ToList();
        var foreign = there.Select(file => file.Name)
            .Where(name => name != HashList.FileName && !_source.Files.Any(file => file.Name == name)).ToList();
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
        await _store.WriteAsync(ListName, _source.List, cancellationToken).ConfigureAwait(false);
        var written = await _source.ListAtAsync(_store, cancellationToken).ConfigureAwait(false);
        if (!written.AsSpan().SequenceEqual(_source.List))
        {
            await _store.DeleteAsync([ListName], cancellationToken).ConfigureAwait(false);
            throw Different([HashList.FileName]);
        }
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
        var right = await _store.MatchingAsync(_source.Name, sent, cancellationToken).ConfigureAwait(false);
        var wrong = sent.Select(file => file.Name).Where(name => !right.Contains(name)).ToList();
        if (wrong.Count > 0)
        {
            await _store.DeleteAsync([.. wrong.Select(name => StoreUri.Join(_source.Name, name))], cancellationToken).ConfigureAwait(false);
            throw Different(wrong);
        }
    }

    private PgOpsException Different(List<string> names) => new(
        PgErrorCode.BackupDamaged,
        $"{_store.Uri.Child(_source.Name)}: {Amount.Of(names.Count, "file")} did not arrive as {HashList.FileName} says: "
            + $"{NameList.InSentence(names)}.",
        "They were removed again; the copy is incomplete and is not listed as a backup.",
        $"Test-PgBackup on {_source.Uri} says whether the source is sound; "
            + "if it is, run the command again: the other files are not sent twice.");
}
