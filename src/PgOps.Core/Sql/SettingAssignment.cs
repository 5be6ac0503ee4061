namespace PgOps.Core.Sql;

/// <summary>A setting that a statement assigns: by SET, SET NAMES, or by a call of set_config with literals.</summary>
/// <param name="Name">The setting, in lower case.</param>
/// <param name="Value">Its value; null when it is none that a text shows, such as DEFAULT or an expression.</param>
/// <param name="Local">Whether it ends with the transaction.</param>
internal readonly record struct SettingAssignment(string Name, string? Value, bool Local)
{
    /// <summary>The settings that a statement assigns.</summary>
    /// <param name="statement">The statement.</param>
    internal static IReadOnlyList<SettingAssignment> In(SqlStatement statement)
    {
        var at = new SqlCursor(statement);
        if (!at.Accept("SET"))
        {
            return statement.Keywords is ["SELECT" or "WITH" or "PERFORM" or "DO" or "CALL" or "VALUES", ..] ? Called(at) : [];
        }

        var local = at.Accept("LOCAL");
        _ = local || at.Accept("SESSION");
        if (at.Accept("NAMES"))
        {
            return [new("client_encoding", at.AcceptText(), local)];
        }

        return at.AcceptName() is [.. var parts] && parts.Count > 0 && (at.Accept("TO") || at.AcceptSymbol("="))
            ? [new(string.Join('.', parts).ToLowerInvariant(), Assigned(ref at), local)]
            : [];
    }

    private static List<SettingAssignment> Called(SqlCursor at)
    {
        var found = new List<SettingAssignment>();
        while (!at.AtEnd)
        {
            if (!at.Accept("set_config"))
            {
                at.Advance();
            }
            else if (at.AcceptSymbol("(") && at.AcceptText() is { } name)
            {
                var value = at.AcceptSymbol(",") ? at.AcceptText() : null;
                found.Add(new(name.ToLowerInvariant(), value, at.AcceptSymbol(",") && at.AcceptBoolean() == true));
            }
        }

        return found;
    }

    private static string? Assigned(ref SqlCursor at)
        => at.AcceptText() ?? (at.At("DEFAULT") ? null : at.AcceptName() is [var word] ? word : null);
}
