using System.Data.Common;
using Npgsql;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Scripts;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>
/// The table of the tool that PgOps works beside: each migration's record there, for the transaction in which PgOps' own history gets its
/// row, which comes first and tells the times.
/// </summary>
internal sealed class ForeignRecord
{
    private readonly ForeignTool _tool;
    private readonly ForeignTable _table;
    private readonly HistoryTable _history;
    private readonly MigrationFolder _folder;
    private readonly HashSet<string> _texts = new(StringComparer.Ordinal);

    internal ForeignRecord(ForeignTool tool, ForeignTable table, HistoryTable history, MigrationFolder folder)
    {
        _tool = tool;
        _table = table;
        _history = history;
        _folder = folder;
    }

    /// <summary>Whose table it is, in words.</summary>
    internal string Where => $"{_tool.Title}'s table {_table}";

    /// <summary>What the script's end says there: that its migration is applied, or no longer.</summary>
    internal IEnumerable<NpgsqlBatchCommand> Of(MigrationScript script)
        => script.Undone is { } undone ? Erase(undone) : Add(script.File);

    /// <summary>Records a migration.</summary>
    /// <param name="file">The migration.</param>
    /// <param name="row">The number of PgOps' row; null takes the last.</param>
    internal IEnumerable<NpgsqlBatchCommand> Add(MigrationFile file, long? row = null)
        => file.Kind == MigrationKind.Versioned || (file.Kind == MigrationKind.Repeatable && _tool.HasRepeatables)
            ? Commands(_tool.Record(_table, file), row)
            : [];

    /// <summary>Gives an applied migration's record the checksum of the file of today.</summary>
    internal IEnumerable<NpgsqlBatchCommand> Amend(MigrationFile file) => Commands(_tool.Amend(_table, file), null);

    /// <summary>Takes a migration's record back.</summary>
    internal IEnumerable<NpgsqlBatchCommand> Erase(MigrationFile file, bool mayBeGone = false)
        => file.Kind == MigrationKind.Versioned
            ? Commands(
                _tool.Erase(
                    _table, file, _folder.Files.LastOrDefault(other => MigrationVersion.Order.Compare(other.Version, file.Version) < 0)),
                null,
                mayBeGone)
            : [];

    /// <summary>Whether a command is one of these.</summary>
    internal bool Writes(DbBatchCommand? command) => command is not null && _texts.Contains(command.CommandText);

    /// <summary>The way out of a record that was not written.</summary>
    internal string Next(PostgresException error) => error.SqlState switch
    {
        PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.DivisionByZero =>
            $"{_tool.Title} may have run at the same time: run the command again, which reads {_tool.Title}'s table first.",
        PostgresErrorCodes.InsufficientPrivilege =>
            $"As the table's owner: GRANT SELECT, INSERT, UPDATE, DELETE ON {_table} TO the role that migrates (and USAGE on the sequence "
                + "of its id, where it has one); then run the command again.",
        _ => $"See to what refuses the statement, and run the command again; to go on without {_tool.Title}: "
            + "Import-PgMigrationHistory -Update -Beside:$false.",
    };

    private IEnumerable<NpgsqlBatchCommand> Commands(IReadOnlyList<ForeignWrite> writes, long? row, bool mayDoNothing = false)
    {
        foreach (var write in writes)
        {
            // Where the record was not as it must be, the division fails, and the transaction with it.
            var command = new NpgsqlBatchCommand(
                $"""
                WITH h AS (
                    SELECT * FROM {_history.Name} WHERE id = coalesce($1::bigint, (SELECT pg_catalog.max(id) FROM {_history.Name}))
                ), written AS (
                {write.Text}
                RETURNING 1)
                SELECT {(write.MayDoNothing || mayDoNothing ? "" : "1 / ")}pg_catalog.count(*) AS pgops_beside FROM written
                """);
            foreach (var value in write.Values.Prepend(row ?? (object)DBNull.Value))
            {
                command.Parameters.Add(new NpgsqlParameter { Value = value });
            }

            _texts.Add(command.CommandText);
            yield return command;
        }
    }
}
