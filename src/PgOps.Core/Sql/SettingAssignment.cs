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

    /// <summary>The settings that a statement assigns or, by RESET, takes back: their names.</summary>
    /// <param name="statement">The statement.</param>
    internal static IEnumerable<string> Of(SqlStatement statement)
    {
        var at = new SqlCursor(statement);
        return !at.Accept("RESET") ? In(statement).Select(setting => setting.Name)
            : Spelled(ref at) is { } name ? [name]
            : at.AcceptName() is { Count: > 0 } parts ? [string.Join('.', parts).ToLowerInvariant()] : [];
    }

    private static SettingAssignment? BehindSet(ref SqlCursor at)
    {
        var local = at.Accept("LOCAL");
        if (!local)
        {
            var behind = at;
            at = behind.Accept("SESSION") && !behind.At("AUTHORIZATION") ? behind : at;
        }

        if (Spelled(ref at) is { } spelled)
        {
            return new(spelled, Assigned(ref at), local);
        }

        return at.AcceptName() is { Count: > 0 } parts && (at.Accept("TO") || at.AcceptSymbol("="))
            ? new(string.Join('.', parts).ToLowerInvariant(), Assigned(ref at), local)
            : null;
    }

    /// <summary>The settings that have a spelling of their own.</summary>
    private static string? Spelled(ref SqlCursor at)
        => at.Accept("NAMES") ? "client_encoding"
            : at.Accept("SCHEMA") ? "search_path"
            : at.Accept("TIME", "ZONE") ? "timezone"
            : at.Accept("XML", "OPTION") ? "xmloption"
            : at.Accept("SESSION", "AUTHORIZATION") ? "session_authorization"
            : at.At("ROLE") && !IsAssigned(at) && at.Accept("ROLE") ? "role"
            : null;

    private static bool IsAssigned(SqlCursor at)
    {
        at.Advance();
        return at.At("TO") || at.AcceptSymbol("=");
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
