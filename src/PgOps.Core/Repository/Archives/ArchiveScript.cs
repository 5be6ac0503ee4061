using System.Text;
using PgOps.Core.Common.Files;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Sql;

namespace PgOps.Core.Repository.Archives;

/// <summary>Gets entries of an archive as SQL, statement by statement.</summary>
internal static class ArchiveScript
{
    /// <summary>Writes the list of entries that pg_restore reads.</summary>
    /// <param name="folder">Where.</param>
    /// <param name="entries">Their numbers, in the order to restore them in.</param>
    /// <returns>pg_restore's argument.</returns>
    internal static string UseList(PrivateFolder folder, IEnumerable<int> entries)
    {
        var path = Path.Combine(folder.Path, Guid.NewGuid().ToString("N") + ".list");
        File.WriteAllText(path, TocLine.List(entries));
        return "--use-list=" + path;
    }

    /// <summary>
    /// The archive's text has the encoding of its database. Any that a server knows begins with ASCII, so bytes serve as characters where
    /// it is not UTF-8.
    /// </summary>
    internal static Encoding EncodingOf(PgDatabaseFacts facts)
        => facts.Encoding.Equals("UTF8", StringComparison.OrdinalIgnoreCase) ? new UTF8Encoding(false) : Encoding.Latin1;

    /// <summary>Reads the entries' statements.</summary>
    /// <param name="pgRestore">The program.</param>
    /// <param name="archive">The archive.</param>
    /// <param name="entries">Numbers of entries that are not content.</param>
    /// <param name="encoding">See <see cref="EncodingOf"/>.</param>
    /// <param name="cancellationToken">Ends the program.</param>
    /// <param name="more">Further arguments.</param>
    /// <exception cref="PgOpsException">ToolFailed, DecryptionFailed.</exception>
    internal static async Task<IReadOnlyList<SqlStatement>> ReadAsync(
        PostgresTool pgRestore,
        OpenedArchive archive,
        IEnumerable<int> entries,
        Encoding encoding,
        CancellationToken cancellationToken,
        params string[] more)
    {
        using var folder = new PrivateFolder();
        using var output = new MemoryStream();
        var result = await archive.RunAsync(
            new ToolCommand(pgRestore.Path, ["--file=-", UseList(folder, entries), .. more]) { Output = output }, cancellationToken)
            .ConfigureAwait(false);
        result.EnsureSuccess("Nothing was put in place.");
        var script = SqlScript.Parse(encoding.GetString(output.GetBuffer(), 0, (int)output.Length));
        return script.Statements;
    }
}
