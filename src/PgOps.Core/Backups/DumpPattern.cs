using System.Text;

namespace PgOps.Core.Backups;

/// <summary>
/// A pattern that pg_dump takes for names, as the regular expressions it stands for: letters outside of double quotes are folded to lower
/// case, * and ? stand for any characters, a dot parts the schema from the name, and what else means something in a regular expression
/// keeps its meaning outside of quotes (https://www.postgresql.org/docs/current/app-psql.html#APP-PSQL-PATTERNS).
/// </summary>
/// <param name="Qualifiers">What stands before the last dot: nothing, a schema, or a database and a schema.</param>
/// <param name="Name">What the name must match.</param>
internal sealed record DumpPattern(IReadOnlyList<string> Qualifiers, string Name)
{
    private const string Special = "|*+?()[]{}.^$\\";

    /// <summary>Reads one.</summary>
    /// <param name="text">What the user wrote.</param>
    internal static DumpPattern Parse(string text)
    {
        List<StringBuilder> parts = [new()];
        var quoted = false;
        for (var index = 0; index < text.Length; index++)
        {
            var (character, part, next) = (text[index], parts[^1], index + 1 < text.Length ? text[index + 1] : '\0');
            switch (character)
            {
                case '"' when quoted && next == '"':
                    part.Append('"');
                    index++;
                    break;
                case '"':
                    quoted = !quoted;
                    break;
                case '.' when !quoted:
                    parts.Add(new());
                    break;
                case '*' when !quoted:
                    part.Append(".*");
                    break;
                case '?' when !quoted:
                    part.Append('.');
                    break;
                case '$':
                case '[' when next == ']':
                case var special when quoted && Special.Contains(special, StringComparison.Ordinal):
                    part.Append('\\').Append(character);
                    break;
                default:
                    part.Append(quoted || !char.IsAsciiLetterUpper(character) ? character : char.ToLowerInvariant(character));
                    break;
            }
        }

        var whole = parts.ConvertAll(part => $"^({part})$");
        return new DumpPattern(whole[..^1], whole[^1]);
    }
}
