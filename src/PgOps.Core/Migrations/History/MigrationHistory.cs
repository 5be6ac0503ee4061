using System.Globalization;
using Npgsql;
using PgOps.Core.Common.Operations;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.History;

/// <summary>What a database's history says: the newest record of every version. Reads and appends.</summary>
internal sealed class MigrationHistory
{
    /// <summary>Stands in the place of a version in the row of an adoption.</summary>
    internal const string AdoptionVersion = "A__adoption";

    private readonly HistoryTable _table;
    private readonly HistoryStanding _standing;

    private MigrationHistory(HistoryTable table, HistoryStanding standing, Dictionary<string, HistoryRow> rows)
    {
        _table = table;
        _standing = standing;
        Adoption = rows.Remove(AdoptionVersion, out var adoption) ? adoption : null;
        Rows = rows;
    }

    /// <summary>Whether the table is there.</summary>
    internal bool Exists => _standing.HasTable;

    /// <summary>The newest word on the tool that the history was imported from; null when it was not imported.</summary>
    internal HistoryRow? Adoption { get; private init; }

    /// <summary>The newest record by version.</summary>
    internal IReadOnlyDictionary<string, HistoryRow> Rows { get; }

    /// <summary>The newest version the database holds; null when it holds none.</summary>
    internal string? NewestVersion => Newest(Rows.Values)?.Version;

    /// <summary>The same in the order of a folder.</summary>
    internal string? NewestIn(MigrationFolder folder)
        => Rows.Values.Where(row => row.IsApplied && row.HasVersion).MaxBy(row => row.Version, folder.Order)?.Version;

    /// <summary>Reads the history and checks its chain.</summary>
    /// <exception cref="PgOpsException">
    /// HistoryTampered: a row was changed, removed or put in by hand. PermissionDenied: the role does not see every row.
    /// </exception>
    internal static async Task<MigrationHistory> ReadAsync(
        NpgsqlConnection connection, HistoryTable table, bool withScripts, CancellationToken cancellationToken)
    {
        var standing = await HistoryStanding.ReadAsync(connection, table, cancellationToken).ConfigureAwait(false);
        if (!standing.HasTable)
        {
            return new MigrationHistory(table, standing, new(MigrationVersion.Order));
        }

        if (await BreakAsync(connection, table, cancellationToken).ConfigureAwait(false) is { } broken)
        {
            throw new PgOpsException(
                PgErrorCode.HistoryTampered,
                $"The history {table.Name} was edited: {broken}.",
                "Nothing was touched. The database may differ from what the history says.",
                "Find out who changed it and why, compare the schema, and then seal it again with Repair-PgMigration -Reseal -Reason.");
        }

        return new MigrationHistory(
            table, standing, await LatestAsync(connection, table, withScripts, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Where the chain of hashes breaks, in words; null when it holds.</summary>
    internal static async Task<string?> BreakAsync(NpgsqlConnection connection, HistoryTable table, CancellationToken cancellationToken)
    {
        var broken = await connection.QueryAsync(
            table.BrokenLinkQuery,
            row => row.IsDBNull(1)
                ? $"the rows from {row.GetInt64(0)} on are gone"
                : $"row {row.GetInt64(0)} (version {row.GetString(1)}) no longer fits its hash or the row before it",
            cancellationToken).ConfigureAwait(false);
        return broken.FirstOrDefault();
    }

    /// <summary>Every record of a migration, in order, without its script.</summary>
    internal static Task<List<HistoryRow>> EveryRowAsync(
        NpgsqlConnection connection, HistoryTable table, CancellationToken cancellationToken)
        => connection.QueryAsync(table.EveryRowQuery, Row, cancellationToken);

    /// <summary>The newest row of each version, whether or not the chain holds.</summary>
    internal static async Task<Dictionary<string, HistoryRow>> LatestAsync(
        NpgsqlConnection connection, HistoryTable table, bool withScripts, CancellationToken cancellationToken)
    {
        var rows = new Dictionary<string, HistoryRow>(MigrationVersion.Order);
        foreach (var row in await connection.QueryAsync(table.LatestQuery(withScripts), Row, cancellationToken).ConfigureAwait(false))
        {
            // 007 and 7 are one version, though the server tells them apart.
            if (!rows.TryGetValue(row.Version, out var other) || other.Id < row.Id)
            {
                rows[row.Version] = row;
            }
        }

        return rows;
    }

    /// <summary>The newest version that the database holds: neither what was undone nor what has no version.</summary>
    internal static HistoryRow? Newest(IEnumerable<HistoryRow> rows)
        => rows.Where(row => row.IsApplied && row.HasVersion).MaxBy(row => row.Version, MigrationVersion.Order);

    /// <summary>The same history with these records as the newest, as they will be once they are written.</summary>
    internal MigrationHistory With(IEnumerable<HistoryEntry> entries)
    {
        var rows = new Dictionary<string, HistoryRow>(Rows, MigrationVersion.Order);
        foreach (var entry in entries)
        {
            rows[entry.Version] = HistoryRow.Of(entry);
        }

        return new MigrationHistory(_table, _standing, rows) { Adoption = Adoption };
    }

    /// <summary>Creates the table, and the schema where that is missing too, whole or not at all, when it is not there.</summary>
    /// <exception cref="PgOpsException">The server refused a statement.</exception>
    internal async Task EnsureTableAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (Exists)
        {
            return;
        }

        // Without a Sync in between, the server takes the statements of a batch as one transaction, if there is none yet.
        var batch = new NpgsqlBatch(connection);
        await using (batch.ConfigureAwait(false))
        {
            foreach (var statement in _standing.HasSchema
                ? _table.CreateStatements
                : _table.CreateStatements.Prepend(_table.CreateSchemaStatement))
            {
                batch.BatchCommands.Add(new NpgsqlBatchCommand(statement));
            }

            try
            {
                await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (PostgresException error) when (!ServerErrors.IsLost(error))
            {
                throw HistoryErrors.Creating(_table, _standing, error);
            }
        }
    }

    /// <summary>Whether every row behind a number of rows was written by a run behind one backup.</summary>
    /// <param name="connection">A session.</param>
    /// <param name="table">The history.</param>
    /// <param name="rows">How many rows it had.</param>
    /// <param name="backupId">The backup.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task<bool> OnlyBehindAsync(
        NpgsqlConnection connection, HistoryTable table, long rows, string backupId, CancellationToken cancellationToken)
        => await connection.ScalarAsync<bool>(
            $"SELECT count(*) >= $1 AND coalesce(bool_and(backup_id IS NOT DISTINCT FROM $2) FILTER (WHERE number > $1), true) FROM ("
                + $"SELECT backup_id, pg_catalog.row_number() OVER (ORDER BY id) AS number FROM {table.Name}) row",
            cancellationToken, rows, backupId).ConfigureAwait(false);

    /// <summary>The command that appends a row, for a batch or on its own.</summary>
    internal static NpgsqlBatchCommand Append(HistoryTable table, HistoryEntry entry)
    {
        var command = new NpgsqlBatchCommand(table.InsertStatement);
        foreach (var value in Values(entry))
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value });
        }

        return command;
    }

    /// <summary>The same by the prepared statement. It takes no parameters of the protocol, only constants.</summary>
    internal static NpgsqlBatchCommand AppendPrepared(HistoryEntry entry)
    {
        var constants = Values(entry).Select(value => value switch
        {
            null => "NULL",
            string text => Quote.Literal(text),
            _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
        });
        return new NpgsqlBatchCommand($"EXECUTE {HistoryTable.PreparedName} ({string.Join(", ", constants)})");
    }

    /// <summary>The command that rewrites the last row while its migration runs statement by statement.</summary>
    internal static NpgsqlBatchCommand Rewrite(
        HistoryTable table, string version, HistoryState state, int done, int? running, string? error)
    {
        var command = new NpgsqlBatchCommand(table.UpdateStatement);
        foreach (var value in new object?[] { version, HistoryWords.Of(state), done, running, error })
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value });
        }

        return command;
    }

    private static object?[] Values(HistoryEntry entry) =>
    [
        entry.Version, entry.Name, HistoryWords.Of(entry.Kind), entry.Checksum, entry.Script, HistoryWords.Of(entry.State),
        entry.Transactional,
        entry.StatementsTotal, entry.StatementsDone, Environment.MachineName, PgOpsVersion.Current, entry.Error, entry.Reason,
        entry.BackupId, entry.SessionState,
    ];

    private static HistoryRow Row(NpgsqlDataReader row) => new()
    {
        Id = row.GetInt64(0),
        Version = row.GetString(1),
        Name = row.GetString(2),
        Kind = HistoryWords.Parse<MigrationKind>(row.GetString(3)),
        Checksum = row.GetString(4),
        State = HistoryWords.Parse<HistoryState>(row.GetString(5)),
        Transactional = row.GetBoolean(6),
        StatementsTotal = row.GetInt32(7),
        StatementsDone = row.GetInt32(8),
        StatementRunning = row.IsDBNull(9) ? null : row.GetInt32(9),
        StartedAt = row.GetDateTime(10),
        FinishedAt = row.IsDBNull(11) ? null : row.GetDateTime(11),
        DurationMilliseconds = row.IsDBNull(12) ? null : row.GetInt64(12),
        AppliedBy = row.GetString(13),
        Host = row.GetString(14),
        ToolVersion = row.GetString(15),
        Error = row.IsDBNull(16) ? null : row.GetString(16),
        Reason = row.IsDBNull(17) ? null : row.GetString(17),
        BackupId = row.IsDBNull(18) ? null : row.GetString(18),
        SessionState = row.IsDBNull(19) ? null : row.GetString(19),
        Script = row.IsDBNull(20) ? null : row.GetString(20),
    };
}
