namespace PgOps.Core.Sql;

/// <summary>
/// standard_conforming_strings as a script's own statements set it; the server would tell psql by a ParameterStatus message.
/// A transaction that is rolled back takes its setting with it.
/// </summary>
internal sealed class StringSetting
{
    private const string Name = "standard_conforming_strings";

    private readonly bool _initial;
    private bool _session;
    private bool _beforeTransaction;
    private bool _inTransaction;

    public StringSetting(bool initial) => Conforming = _initial = _session = _beforeTransaction = initial;

    /// <summary>Whether a backslash is an ordinary character in plain quotes.</summary>
    public bool Conforming { get; private set; }

    /// <summary>Takes note of a statement.</summary>
    public void Follow(SqlStatement statement)
    {
        if (statement.Span[0] is not ('s' or 'S' or 'r' or 'R' or 'd' or 'D' or 'b' or 'B' or 'c' or 'C' or 'e' or 'E' or 'a' or 'A'))
        {
            return;
        }

        switch (SqlStatementTraits.TransactionCommandOf(statement))
        {
            case TransactionCommand.Begin:
                _inTransaction = true;
                return;
            case TransactionCommand.Commit:
                Conforming = _beforeTransaction = _session;
                _inTransaction = false;
                return;
            case TransactionCommand.Rollback:
                Conforming = _session = _beforeTransaction;
                _inTransaction = false;
                return;
            case TransactionCommand.None:
                break;
            default:
                return;
        }

        var cursor = new SqlCursor(statement);
        if (statement.Span.Contains(Name, StringComparison.OrdinalIgnoreCase))
        {
            foreach (var setting in SettingAssignment.In(statement))
            {
                if (setting.Name == Name)
                {
                    Set(setting.Value is not { } value ? setting.ByCall ? Conforming : _initial
                        : new SqlCursor(value).AcceptBoolean() ?? Conforming, setting.Local);
                }
            }
        }

        if ((cursor.Accept("RESET") && (cursor.Accept(Name) || cursor.Accept("ALL")))
            || (cursor.Accept("DISCARD") && cursor.Accept("ALL")))
        {
            Set(_initial, local: false);
        }
    }

    private void Set(bool value, bool local)
    {
        Conforming = value;
        _session = local ? _session : value;
        _beforeTransaction = _inTransaction ? _beforeTransaction : _session;
    }
}
