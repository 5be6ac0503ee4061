using PgOps.Core.Sql;

namespace PgOps.Core.Repository.Archives;

/// <summary>The sequences' positions in what pg_restore writes as a script.</summary>
internal sealed class ArchivedPositions
{
    private readonly Dictionary<(string Schema, string Name), (long LastValue, bool IsCalled)> _set = [];

    /// <summary>Takes a statement of the script.</summary>
    internal void Read(SqlStatement statement)
    {
        var cursor = new SqlCursor(statement);
        if (cursor.Accept("SELECT") && cursor.AcceptName() is ["pg_catalog", "setval"] && cursor.AcceptSymbol("(")
            && cursor.AcceptText() is { } sequence && new SqlCursor(sequence).AcceptName() is [var schema, var name]
            && cursor.AcceptSymbol(",") && cursor.AcceptNumber() is { } value
            && cursor.AcceptSymbol(",") && cursor.AcceptBoolean() is { } isCalled)
        {
            _set[(schema, name)] = (value, isCalled);
        }
    }

    /// <summary>Positions as the script sets them, where it does.</summary>
    /// <param name="positions">All sequences.</param>
    /// <param name="only">Whether those that it does not set are left out.</param>
    internal IReadOnlyList<PgSequencePosition> Apply(IReadOnlyList<PgSequencePosition> positions, bool only) =>
    [
        .. positions.Where(position => !only || _set.ContainsKey((position.Schema, position.Name))).Select(position => _set.TryGetValue(
            (position.Schema, position.Name), out var dumped)
            ? position with { LastValue = dumped.LastValue, IsCalled = dumped.IsCalled }
            : position),
    ];
}
