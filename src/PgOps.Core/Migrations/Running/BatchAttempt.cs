using Npgsql;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Sql;

namespace PgOps.Core.Migrations.Running;

/// <summary>One attempt to run a group of migrations: what was sent, and how far the server came.</summary>
internal sealed class BatchAttempt
{
    private readonly Dictionary<NpgsqlBatchCommand, (MigrationScript Script, SqlStatement? Statement)> _sent =
        new(ReferenceEqualityComparer.Instance);

    private readonly Action<MigrationScript, TimeSpan> _applied;
    private readonly bool _ownSynchrony;
    private TimeSpan? _uncommitted;

    internal BatchAttempt(IReadOnlyList<MigrationScript> scripts, Action<MigrationScript, TimeSpan> applied)
    {
        Scripts = scripts;
        _applied = applied;
        _ownSynchrony = scripts.Any(script => script.File.Text.Contains("synchronous_commit", StringComparison.OrdinalIgnoreCase));
    }

    internal IReadOnlyList<MigrationScript> Scripts { get; }

    /// <summary>How many are known to be committed.</summary>
    internal int Applied { get; private set; }

    /// <summary>The COPY whose data are on their way; null when there is none.</summary>
    internal SqlStatement? Copying { get; set; }

    /// <summary>Whether a later commit of the group brings this one's to the disk; not so where a script sets that itself.</summary>
    internal bool FlushesAfter(MigrationScript script) => script != Scripts[^1] && !_ownSynchrony;

    /// <summary>Adds a command to a batch and remembers whose it is.</summary>
    internal void Add(NpgsqlBatch batch, MigrationScript script, SqlStatement? statement, NpgsqlBatchCommand command)
    {
        _sent.Add(command, (script, statement));
        batch.BatchCommands.Add(command);
    }

    /// <summary>Adds commands of PgOps' own to a batch and remembers whose they are.</summary>
    internal void Add(NpgsqlBatch batch, MigrationScript script, SqlStatement? statement, IEnumerable<NpgsqlBatchCommand> commands)
    {
        foreach (var command in commands)
        {
            Add(batch, script, statement, command);
        }
    }

    /// <summary>The server has written a history row. That the one before it is committed is certain from here on.</summary>
    internal void Recorded(long milliseconds)
    {
        Commit();
        _uncommitted = TimeSpan.FromMilliseconds(milliseconds);
    }

    /// <summary>The server has come to its end.</summary>
    /// <param name="error">What stopped it; null when all went well.</param>
    /// <returns>What failed.</returns>
    internal (MigrationScript Script, SqlStatement? Statement) End(PostgresException? error)
    {
        if (error is null)
        {
            Commit();
            return (Scripts[^1], null);
        }

        var failed = error.BatchCommand is NpgsqlBatchCommand command && _sent.TryGetValue(command, out var found)
            ? found
            : (Script: Scripts[Applied], Statement: Copying);
        if (failed.Script != Scripts[Applied])
        {
            Commit();
        }

        return failed;
    }

    private void Commit()
    {
        if (_uncommitted is { } duration)
        {
            _uncommitted = null;
            _applied(Scripts[Applied++], duration);
        }
    }
}
