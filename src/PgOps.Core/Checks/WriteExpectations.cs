using System.Text;
using Npgsql;
using PgOps.Core.Common.Files;
using PgOps.Core.Common.Operations;
using PgOps.Core.Common.Text;
using PgOps.Core.Comparison;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Checks;

/// <summary>Writes a file of expectations (docs/expectations.md) of what a database has, or had when it was backed up.</summary>
public sealed class WriteExpectations
{
    private const string NothingWritten = "Nothing was written.";

    /// <summary>Writes it: whole under its name, or not at all.</summary>
    /// <param name="request">What of, and where to.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The file.</returns>
    /// <exception cref="PgOpsException">
    /// InvalidArgument: a name that fits nothing, or a backup that does not tell. PathNotFound, PathInaccessible, or a connection's error.
    /// </exception>
    public Task<FileInfo> RunAsync(WriteExpectationsRequest request, CancellationToken cancellationToken)
        => OperationSpans.OperationAsync(this, () => request.Target, () => WorkAsync(request, cancellationToken));

    private async Task<FileInfo> WorkAsync(WriteExpectationsRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        var path = Path.GetFullPath(request.Path);
        RequirePlace(path, request.Force);
        var inventory = request.Manifest is { } manifest
            ? Recorded(manifest)
            : await LiveAsync(request.Target!, cancellationToken).ConfigureAwait(false);
        var text = Expectations.Write(Selected(ExpectedCatalog.Of(inventory), request));
        var partial = $"{path}.{Guid.NewGuid():N}.partial";
        try
        {
            await File.WriteAllTextAsync(partial, text, new UTF8Encoding(false), cancellationToken).ConfigureAwait(false);
            DurableFile.Move(partial, path, request.Force);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new PgOpsException(
                PgErrorCode.PathInaccessible, $"{path} cannot be written: {error.Message}", NothingWritten, "Give another path.", error);
        }
        finally
        {
            File.Delete(partial);
        }

        return new FileInfo(path);
    }

    private static void RequirePlace(string path, bool force)
    {
        if (!Directory.Exists(Path.GetDirectoryName(path)))
        {
            throw new PgOpsException(
                PgErrorCode.PathNotFound, $"The folder of {path} does not exist.", NothingWritten, "Create it, or give another path.");
        }

        if (Directory.Exists(path) || (File.Exists(path) && !force))
        {
            throw new PgOpsException(
                PgErrorCode.PathInaccessible, $"{path} is {(Directory.Exists(path) ? "a folder" : "there already")}.", NothingWritten,
                Directory.Exists(path) ? "Give the path of a file." : "Give another path (-Path), or -Force to replace it.");
        }
    }

    private static async Task<ObjectInventory> LiveAsync(PgTarget target, CancellationToken cancellationToken)
    {
        try
        {
            var session = await CatalogSession.OpenAsync(target, DatabaseThresholds.Default, cancellationToken).ConfigureAwait(false);
            await using (session.ConfigureAwait(false))
            {
                return await ObjectInventory.ReadAsync(
                    session.Connection, ObjectQueries.Expected(session.Version), true, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (NpgsqlException error)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw ServerErrors.Working(target, error, "reading the catalog", NothingWritten);
        }
    }

    private static ObjectInventory Recorded(PgBackupManifest manifest)
    {
        var inventory = ObjectInventory.From(manifest);
        var why = inventory is null ? ObjectComparison.WhyNone(manifest)
            : manifest.Objects!.Definitions is { Count: > 0 } ? null
            : manifest.Payload.Encryption is null ? "its manifest has no definitions: an older PgOps made it"
            : "it is encrypted, and what its manifest shows has no definitions";
        return why is null ? inventory! : throw new PgOpsException(
            PgErrorCode.InvalidArgument,
            $"The backup {manifest.Id} of {manifest.Database} does not tell its tables' columns: {why}.",
            NothingWritten,
            "Restore it under another name, and give that database (-Target).");
    }

    private static List<ExpectedTable> Selected(List<ExpectedTable> tables, WriteExpectationsRequest request)
    {
        var idle = Idle("schema", request.Schemas.Concat(request.ExcludedSchemas), IsIn)
            .Concat(Idle("table", request.Tables.Concat(request.ExcludedTables), Fits)).ToList();
        if (idle.Count > 0)
        {
            throw new PgOpsException(
                PgErrorCode.InvalidArgument, $"There is no {string.Join(", no ", idle)} with a table or view.", NothingWritten,
                $"{NamePattern.Advice}; a table's with or without its schema.");
        }

        var selected = tables.FindAll(table =>
            (request.Schemas.Count == 0 || request.Schemas.Any(pattern => IsIn(table, pattern)))
            && (request.Tables.Count == 0 || request.Tables.Any(pattern => Fits(table, pattern)))
            && !request.ExcludedSchemas.Any(pattern => IsIn(table, pattern))
            && !request.ExcludedTables.Any(pattern => Fits(table, pattern)));
        return selected.Count > 0 ? selected : throw new PgOpsException(
            PgErrorCode.InvalidArgument, "There is no table or view to expect.", NothingWritten,
            tables.Count == 0 ? "Give a database that has some." : "Leave out fewer of them.");

        IEnumerable<string> Idle(string what, IEnumerable<string> patterns, Func<ExpectedTable, string, bool> fits)
            => patterns.Where(pattern => !tables.Exists(table => fits(table, pattern))).Select(pattern => $"{what} {pattern}");
    }

    private static bool IsIn(ExpectedTable table, string pattern) => NamePattern.Fits(pattern, table.Schema);

    private static bool Fits(ExpectedTable table, string pattern)
        => NamePattern.Fits(pattern, table.Name) || NamePattern.Fits(pattern, $"{table.Schema}.{table.Name}");
}
