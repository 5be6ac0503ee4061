using PgOps.Core.Common.Files;
using PgOps.Core.Common.Hashes;
using PgOps.Core.Common.Streams;
using PgOps.Core.Repository;
using PgOps.Core.Repository.Storage;

namespace PgOps.Core.Tests.Repository;

public sealed class StoreErasureTests
{
    private static readonly string[] Names = [HashList.FileName, "manifest.json", "data/toc.dat", "data/1.dat"];

    [Fact]
    public async Task Whatever_interrupts_a_removal_leaves_no_list_of_hashes_and_a_mark_while_files_are_left()
    {
        for (var steps = 1; ; steps++)
        {
            using var store = new MemoryStore(steps);
            try
            {
                await BackupEraser.EraseAsync(store, "shop", CancellationToken.None);
                Assert.Empty(store.Files);
                Assert.Equal(["shop"], store.RemovedFolders);
                return;
            }
            catch (IOException)
            {
                var left = store.Files.Select(name => name["shop/".Length..]).ToList();
                Assert.True(left.Count == Names.Length || !left.Contains(HashList.FileName), string.Join(' ', left));
                Assert.True(
                    left.Count >= Names.Length - 1 || left.Count == 0 || left.Contains(FileEndings.Removing), string.Join(' ', left));
            }

            // The next removal finishes it.
            store.Steps = int.MaxValue;
            await BackupEraser.EraseAsync(store, "shop", CancellationToken.None);
            Assert.Empty(store.Files);
        }
    }

    /// <summary>A store that fails after so many files written or removed.</summary>
    private sealed class MemoryStore(int steps) : RemoteStore(StoreUri.Parse("s3://bucket/backups"))
    {
        internal int Steps { get; set; } = steps;

        internal SortedSet<string> Files { get; } = new(Names.Select(name => "shop/" + name), StringComparer.Ordinal);

        internal List<string> RemovedFolders { get; } = [];

        internal override Task<IReadOnlyList<StoredFile>> ListAsync(string folder, CancellationToken cancellationToken)
            => Task.FromResult<IReadOnlyList<StoredFile>>(
            [
                .. Files.Where(name => name.StartsWith(folder + "/", StringComparison.Ordinal))
                    .Select(name => new StoredFile(name[(folder.Length + 1)..], 1, default)),
            ]);

        internal override Task WriteAsync(string name, byte[] content, CancellationToken cancellationToken)
        {
            Step();
            Files.Add(name);
            return Task.CompletedTask;
        }

        internal override Task DeleteAsync(IReadOnlyList<string> names, CancellationToken cancellationToken)
        {
            foreach (var name in names)
            {
                Step();
                Files.Remove(name);
            }

            return Task.CompletedTask;
        }

        internal override Task RemoveFolderAsync(string folder, CancellationToken cancellationToken)
        {
            RemovedFolders.Add(folder);
            return Task.CompletedTask;
        }

        internal override Task<Stream> OpenAsync(string name, CancellationToken cancellationToken)
            => throw new PgOpsException(PgErrorCode.PathNotFound, name);

        internal override Task SendAsync(
            FileStore source, string folder, IReadOnlyList<HashedFile> files, TransferMeter meter, CancellationToken cancellationToken)
            => throw new NotSupportedException();

        internal override Task<MatchedFiles> MatchingAsync(
            string folder, IReadOnlyList<HashedFile> files, CancellationToken cancellationToken) => throw new NotSupportedException();

        private void Step()
        {
            if (Steps-- == 0)
            {
                throw new IOException("cut off");
            }
        }
    }
}
