using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;

namespace PgOps.Core.Tests.Architecture;

/// <summary>
/// SQL of ours is ASCII: a database in another encoding than UTF-8 refuses a statement with a letter that it does not know.
/// </summary>
public sealed partial class SqlTextTests
{
    [Fact]
    public void No_statement_holds_a_letter_beyond_ascii()
    {
        var folder = Path.Combine(Path.GetDirectoryName(Here())!, "../../../src/PgOps.Core");
        var statements = Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
            .SelectMany(file => RawText().Matches(File.ReadAllText(file)).Select(text => (File: Path.GetFileName(file), Text: text.Value)))
            .Where(one => one.Text.Contains("pg_catalog", StringComparison.Ordinal)
                || one.Text.Contains("SELECT ", StringComparison.Ordinal))
            .ToList();

        Assert.True(statements.Count > 100, "The statements were not found.");
        Assert.Empty(statements.Where(one => !Ascii.IsValid(one.Text)).Select(one => one.File));
    }

    private static string Here([CallerFilePath] string path = "") => path;

    [GeneratedRegex("\"\"\"\\s*\\n.*?\"\"\"", RegexOptions.Singleline)]
    private static partial Regex RawText();
}
