using System.Data.Common;
using System.Text;

namespace PgOps.Core.Postgres.Connections;

/// <summary>Reads key=value strings, in libpq's spelling and in Npgsql's, into libpq keywords, and escapes values for libpq's.</summary>
internal static class ConnectionStringText
{
    private static readonly Dictionary<string, string> NpgsqlNames = new(StringComparer.OrdinalIgnoreCase)
    {
        ["server"] = "host",
        ["data source"] = "host",
        ["database"] = "dbname",
        ["db"] = "dbname",
        ["initial catalog"] = "dbname",
        ["username"] = "user",
        ["user id"] = "user",
        ["user name"] = "user",
        ["userid"] = "user",
        ["uid"] = "user",
        ["pwd"] = "password",
        ["psw"] = "password",
        ["timeout"] = "connect_timeout",
        ["ssl mode"] = "sslmode",
        ["root certificate"] = "sslrootcert",
        ["ssl certificate"] = "sslcert",
        ["ssl key"] = "sslkey",
        ["ssl password"] = "sslpassword",
        ["application name"] = "application_name",
        ["search path"] = "search_path",
        ["target session attributes"] = "target_session_attrs",
        ["gss encryption mode"] = "gssencmode",
        ["channel binding"] = "channel_binding",
    };

    /// <summary>libpq's keyword for a name in either spelling.</summary>
#pragma warning disable CA1308 // libpq's keywords are lower case
    internal static string Keyword(string name) => NpgsqlNames.GetValueOrDefault(name, name).ToLowerInvariant();
#pragma warning restore CA1308

    /// <summary>A value as libpq's form has it between single quotes.</summary>
    internal static string Escape(string value)
        => value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal);

    /// <summary>Npgsql's names with libpq's keywords for them.</summary>
    internal static IEnumerable<(string Name, string Keyword)> Names => NpgsqlNames.Select(name => (name.Key, name.Value));

    /// <summary>Whether the pairs are separated by semicolons outside quotes.</summary>
    internal static bool IsNpgsql(string text)
        => HasSemicolon(text, backslashEscapes: true) ?? HasSemicolon(text, backslashEscapes: false) ?? false;

    /// <summary>Null when a quote is never closed: then it is not in the spelling of which this would be the rule.</summary>
    private static bool? HasSemicolon(string text, bool backslashEscapes)
    {
        var quote = '\0';
        for (var index = 0; index < text.Length; index++)
        {
            var character = text[index];
            if (backslashEscapes && character == '\\')
            {
                index++;
            }
            else if (quote != '\0')
            {
                quote = character == quote ? '\0' : quote;
            }
            else if (character is '\'' or '"')
            {
                quote = character;
            }
            else if (character == ';')
            {
                return true;
            }
        }

        return quote == '\0' ? false : null;
    }

    /// <summary>Reads ADO.NET's form.</summary>
    internal static Dictionary<string, string> ReadNpgsql(string text)
    {
        var builder = new DbConnectionStringBuilder();
        try
        {
            builder.ConnectionString = text;
        }
        catch (ArgumentException)
        {
            // The exception's own text may quote the string, and with it the password.
            throw TargetParser.Invalid("The connection string is not a list of name=value pairs separated by semicolons.");
        }

        var keywords = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string key in builder.Keys)
        {
            keywords[Keyword(key)] = builder[key].ToString() ?? "";
        }

        return keywords;
    }

    /// <summary>Reads libpq's form: blanks separate, single quotes group, a backslash escapes.</summary>
    internal static Dictionary<string, string> ReadLibpq(string text)
    {
        var keywords = new Dictionary<string, string>(StringComparer.Ordinal);
        var position = 0;
        while (true)
        {
            SkipBlanks();
            if (position >= text.Length)
            {
                return keywords;
            }

            var start = position;
            while (position < text.Length && text[position] != '=' && !char.IsWhiteSpace(text[position]))
            {
                position++;
            }

            var key = text[start..position];
            SkipBlanks();
            if (position >= text.Length || text[position] != '=')
            {
                throw TargetParser.Invalid(
                    "The connection string has a word without '='; pairs are written name=value, values with blanks in single quotes.");
            }

            position++;
            SkipBlanks();
            keywords[Keyword(key)] = Value();
        }

        void SkipBlanks()
        {
            while (position < text.Length && char.IsWhiteSpace(text[position]))
            {
                position++;
            }
        }

        string Value()
        {
            var value = new StringBuilder();
            var quoted = position < text.Length && text[position] == '\'';
            position += quoted ? 1 : 0;
            for (; position < text.Length; position++)
            {
                var character = text[position];
                if (quoted ? character == '\'' : char.IsWhiteSpace(character))
                {
                    position++;
                    return value.ToString();
                }

                if (character == '\\' && position + 1 < text.Length)
                {
                    character = text[++position];
                }

                value.Append(character);
            }

            return quoted ? throw TargetParser.Invalid("The connection string has a quote that is never closed.") : value.ToString();
        }
    }
}
