using System.Globalization;

namespace PgOps.Core.Sql;

/// <summary>A setting that a statement assigns: by SET, SET NAMES, or by a call of set_config with literals.</summary>
/// <param name="Name">The setting, in lower case.</param>
/// <param name="Value">Its value; null when it is none that a text shows, such as DEFAULT or an expression.</param>
/// <param name="Local">Whether it ends with the transaction.</param>
/// <param name="ByCall">Whether set_config assigns it.</param>
internal readonly record struct SettingAssignment(string Name, string? Value, bool Local, bool ByCall = false)
{
    /// <summary>The settings that a statement assigns.</summary>
    /// <param name="statement">The statement.</param>
    internal static IReadOnlyList<SettingAssignment> In(SqlStatement statement)
    {
        var at = new SqlCursor(statement);
        if (!at.Accept("SET"))
        {
            return RoutineBody.Of(statement) is { } body && statement.Keywords is ["DO", ..] ? InBody(body)
                : statement.Span.Contains("set_config", StringComparison.OrdinalIgnoreCase) ? Called(at)
                : [];
        }

        return BehindSet(ref at) is { } setting ? [setting] : [];
    }

    private static SettingAssignment? BehindSet(ref SqlCursor at)
    {
        var local = at.Accept("LOCAL");
        _ = local || at.Accept("SESSION");
        if (at.Accept("NAMES"))
        {
            return new("client_encoding", at.AcceptText(), local);
        }

        return at.AcceptName() is { Count: > 0 } parts && (at.Accept("TO") || at.AcceptSymbol("="))
            ? new(string.Join('.', parts).ToLowerInvariant(), Assigned(ref at), local)
            : null;
    }

    private static List<SettingAssignment> Called(SqlCursor at)
    {
        var found = new List<SettingAssignment>();
        while (!at.AtEnd)
        {
            if (!at.AcceptCall("set_config"))
            {
                at.Advance();
            }
            else if (at.AcceptText() is { } name)
            {
                var value = at.AcceptSymbol(",") ? at.AcceptText() : null;
                var whole = at.AcceptSymbol(",");
                var local = (whole || PassArgument(ref at)) && at.AcceptBoolean() == true;
                found.Add(new(name.ToLowerInvariant(), whole ? value : null, local, ByCall: true));
            }
        }

        return found;
    }

    /// <summary>The assignments in the code of a DO block, as far as its statements show them.</summary>
    private static List<SettingAssignment> InBody(string body)
    {
        var found = new List<SettingAssignment>();
        if (body.Contains("set", StringComparison.OrdinalIgnoreCase))
        {
            found.AddRange(Called(new SqlCursor(body)));
            var at = new SqlCursor(body);
            var starts = true;
            while (!at.AtEnd)
            {
                if (starts && at.Accept("SET") && BehindSet(ref at) is { } setting)
                {
                    found.Add(setting);
                }

                starts = at.AcceptSymbol(";") || at.Accept("BEGIN") || at.Accept("THEN") || at.Accept("ELSE") || at.Accept("LOOP");
                if (!starts)
                {
                    at.Advance();
                }
            }
        }

        return found;
    }

    /// <summary>Goes on behind an argument that is more than a literal, and its comma.</summary>
    private static bool PassArgument(ref SqlCursor at)
    {
        for (var depth = 0; !at.AtEnd;)
        {
            if (at.AcceptSymbol("("))
            {
                depth++;
            }
            else if (at.AcceptSymbol(")"))
            {
                if (depth-- == 0)
                {
                    return false;
                }
            }
            else if (depth == 0 && at.AcceptSymbol(","))
            {
                return true;
            }
            else
            {
                at.Advance();
            }
        }

        return false;
    }

    private static string? Assigned(ref SqlCursor at)
        => at.AcceptText() ?? at.AcceptNumber()?.ToString(CultureInfo.InvariantCulture) ?? (at.At("DEFAULT") ? null
            : at.AcceptName() is [var word] ? word : null);
}
