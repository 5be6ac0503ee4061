using System.Globalization;
using Npgsql;
using PgOps.Core.Migrations.History;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Migrations.Adoption;

/// <summary>What PgOps knows of another migration tool: its table, its locks, its checksums, its way out of a failure.</summary>
internal abstract class ForeignTool
{
    /// <summary>Its name in an import; null when PgOps reads its history and does not take it over.</summary>
    internal abstract PgMigrationTool? Tool { get; }

    /// <summary>The name by which people know it.</summary>
    internal abstract string Title { get; }

    /// <summary>The table's name unless the tool was told another.</summary>
    internal abstract string DefaultTable { get; }

    /// <summary>The columns by which the table is known.</summary>
    internal abstract IReadOnlyList<string> Columns { get; }

    /// <summary>What settles an entry that failed.</summary>
    internal virtual string WayOut => "Finish or undo the migration by hand and set its entry right with the tool that made it.";

    /// <summary>Whether sessions of the tool wait for its lock inside a statement, which holds up CREATE INDEX CONCURRENTLY.</summary>
    internal virtual bool WaitsInStatement => false;

    /// <summary>How keys are compared: as versions, unless the tool goes by names.</summary>
    internal virtual IEqualityComparer<string> KeyOrder => MigrationVersion.Order;

    /// <summary>Whether PgOps can work beside the tool: it then keeps the tool's table as the tool would.</summary>
    internal virtual bool WorksBeside => false;

    /// <summary>Whether the tool's table holds scripts that run again whenever they change.</summary>
    internal virtual bool HasRepeatables => false;

    /// <summary>Whether the table holds nothing but the newest version, which stands for all lower ones.</summary>
    internal virtual bool KeepsNewestOnly => false;

    /// <summary>Whether the tool takes migrations back, so that an entry that is gone says that one was undone.</summary>
    internal virtual bool Undoes => true;

    /// <summary>Reads the entries, one row each.</summary>
    internal abstract string Query(ForeignTable table);

    /// <summary>The entry of a row; null when the row says nothing of a migration.</summary>
    internal abstract ForeignMigration? Read(NpgsqlDataReader row);

    /// <summary>The advisory keys that the tool's sessions take while they migrate.</summary>
    internal virtual IReadOnlyList<long> LockKeys(ForeignTable table) => [];

    /// <summary>Its history in a table.</summary>
    internal OtherHistory In(ForeignTable table) => new($"{Title} ({table})", Tool is not null, WorksBeside);

    /// <summary>Whether this is the tool's table, going by its columns.</summary>
    internal virtual bool Recognises(ForeignTable table) => Columns.All(table.Columns.Contains);

    /// <summary>What finds a file's entry.</summary>
    internal virtual string KeyOf(MigrationFile file) => file.Version;

    /// <summary>The checksums that the tool would take for this script, on any system's line ends; null when it keeps none.</summary>
    internal virtual IReadOnlyList<string>? Checksums(byte[] script) => null;

    /// <summary>Why the folder's scripts cannot go on under PgOps as they are; null when they can.</summary>
    internal virtual string? Objection(MigrationFile file) => null;

    /// <summary>What records a migration in the tool's table.</summary>
    internal virtual IReadOnlyList<ForeignWrite> Record(ForeignTable table, MigrationFile file) => [];

    /// <summary>What takes that record back.</summary>
    /// <param name="table">The table.</param>
    /// <param name="file">The migration.</param>
    /// <param name="before">The one before it in the folder; null when it is the first.</param>
    internal virtual IReadOnlyList<ForeignWrite> Erase(ForeignTable table, MigrationFile file, MigrationFile? before) => [];

    /// <summary>What gives an applied migration's record the checksum of the file of today, where the tool keeps one.</summary>
    internal virtual IReadOnlyList<ForeignWrite> Amend(ForeignTable table, MigrationFile file) => [];

    /// <summary>The tool's migrations, oldest first; each once.</summary>
    /// <exception cref="PgOpsException">PermissionDenied: the role may not read the table, or not every row.</exception>
    internal async Task<IReadOnlyList<ForeignMigration>> ReadAsync(
        NpgsqlConnection connection, ForeignTable table, CancellationToken cancellationToken)
    {
        HistoryStanding.Require(
            $"{Title}'s table {table}", table.Name, table.Schema, table.Role, table.IsReadable, table.HidesRows, "SELECT");
        var rows = await connection.QueryAsync(Query(table), Read, cancellationToken).ConfigureAwait(false);
        return rows.OfType<ForeignMigration>().ToList();
    }

    /// <summary>A file's version as the number that it is to most tools.</summary>
    protected static long Number(MigrationFile file) => long.Parse(file.Version, CultureInfo.InvariantCulture);

    /// <summary>A moment of a timestamp column, with or without time zone; the latter is taken as UTC.</summary>
    protected static DateTime? Moment(NpgsqlDataReader row, int column) => row.IsDBNull(column)
        ? null
        : DateTime.SpecifyKind(row.GetDateTime(column), DateTimeKind.Utc);

    /// <summary>A text column that may be NULL.</summary>
    protected static string? Text(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}
