using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Sql;
using Xunit.Abstractions;

namespace PgOps.Core.Tests.Sql.Reference;

/// <summary>
/// What psql sends for a script, compared with the script's statements: PostgreSQL's own regression tests, and random ones. Lines with
/// meta-commands are taken out first, for both alike. PGOPS_PSQL_SCRIPTS says how many random ones (200).
/// </summary>
public sealed partial class PsqlComparison(ITestOutputHelper output)
{
    // Not Debian's wrapper, which takes longer to start than psql itself.
    private static readonly string Psql = PostgresBinaries.Client("psql").Path;

    private static readonly int Scripts =
        int.TryParse(Environment.GetEnvironmentVariable("PGOPS_PSQL_SCRIPTS"), CultureInfo.InvariantCulture, out var number) ? number : 200;

    [PostgresSourceFact]
    public async Task Regression_scripts_split_as_psql_splits_them()
    {
        var folder = PostgresSourceFactAttribute.Scripts!;
        var files = Directory.GetFiles(folder, "*.sql", SearchOption.AllDirectories).Order(StringComparer.Ordinal);
        await CompareAsync(files.Select(file => (file, WithoutMetaCommands(File.ReadAllText(file)))), standardConformingStrings: true);
    }

    [PostgresSourceFact]
    public Task Random_scripts_split_as_psql_splits_them() => CompareRandomAsync(standardConformingStrings: true);

    [PostgresSourceFact]
    public Task Random_scripts_split_as_psql_splits_them_without_standard_conforming_strings()
        => CompareRandomAsync(standardConformingStrings: false);

    private async Task CompareRandomAsync(bool standardConformingStrings)
    {
        var random = new RandomSql(7, reservedLabels: false);
        var scripts = Enumerable.Range(0, Scripts).Select(index => ($"random {index}", random.Next()));
        await CompareAsync(scripts.Where(script => !ReadOtherwiseByPsql().IsMatch(script.Item2)), standardConformingStrings);
    }

    private async Task CompareAsync(IEnumerable<(string Name, string Text)> scripts, bool standardConformingStrings)
    {
        var (compared, statements, data, skipped) = (0, 0, 0, new List<string>());
        var differences = new List<string>();
        foreach (var (name, text) in scripts)
        {
            var script = SqlScript.Parse(text, standardConformingStrings);
            if (script.Problems.Any(problem => problem.Kind != SqlProblemKind.PsqlVariable))
            {
                skipped.Add($"{Path.GetFileName(name)}: {script.Problems.First(problem => problem.Kind != SqlProblemKind.PsqlVariable)}");
                continue;
            }

            var sent = (await SendByPsqlAsync(text, standardConformingStrings)).Where(query => Rest(query.Sql).Length > 0).ToList();
            compared++;
            statements += sent.Count;
            data += sent.Count(query => query.Data is not null);
            for (var i = 0; i < Math.Max(sent.Count, script.Statements.Count); i++)
            {
                var expected = i < sent.Count ? sent[i] : default;
                var actual = i < script.Statements.Count ? script.Statements[i] : null;
                if (!IsSame(text, expected, actual))
                {
                    differences.Add($"{name}, statement {i}, line {actual?.Line}\n  psql: {JsonSerializer.Serialize(expected.Sql)}\n  "
                        + $"here: {JsonSerializer.Serialize(actual?.Text)}");
                    break;
                }
            }
        }

        output.WriteLine($"{compared} scripts, {statements} statements, {data} with COPY data compared; {differences.Count} scripts "
            + $"differ; {skipped.Count} left out");
        skipped.ForEach(output.WriteLine);
        Assert.True(differences.Count == 0, string.Join("\n", differences.Take(10)));
    }

    private static bool IsSame(string text, (string Sql, string? Data) expected, SqlStatement? actual)
    {
        if (expected.Sql is null || actual is null)
        {
            return false;
        }

        // psql drops empty lines outside quotes, and before version 18 it sends the end-of-data line, too.
        var (sent, here) = (EmptyLines().Replace(expected.Sql, "\n"), EmptyLines().Replace(actual.Text, "\n"));
        var at = sent.IndexOf(here, StringComparison.Ordinal);
        var data = actual.CopyData is { } copy ? text.Substring(copy.Offset, copy.Length) : null;
        var sentData = expected.Data is { } raw ? EndOfData().Replace(raw, "") : null;
        return at >= 0 && Rest(sent.Remove(at, here.Length)).Length == 0 && data == sentData;
    }

    /// <summary>What is left of a text without comments, white space and semicolons.</summary>
    private static string Rest(string text)
    {
        for (var before = ""; before != text;)
        {
            before = text;
            text = InnermostComment().Replace(text, "");
        }

        return LineComment().Replace(text, "").Trim(' ', '\t', '\r', '\n', '\f', '\v', ';');
    }

    private static string WithoutMetaCommands(string text) =>
        MetaCommandLine().Replace(SendingMetaCommand().Replace(text, ";"), "")
            .Replace(":'LAST_ERROR", "'LAST_ERROR", StringComparison.Ordinal);

    private static async Task<List<(string Sql, string? Data)>> SendByPsqlAsync(string text, bool standardConformingStrings)
    {
        using var server = new RecordingServer(standardConformingStrings);
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, text, new UTF8Encoding(false));
        var start = new ProcessStartInfo(Psql) { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] arguments = ["-X", "-q", "-f", file, string.Create(
            CultureInfo.InvariantCulture, $"host=127.0.0.1 port={server.Port} user=a dbname=a sslmode=disable gssencmode=disable")];
        Array.ForEach(arguments, start.ArgumentList.Add);
        start.Environment["PGCLIENTENCODING"] = "UTF8";
        using var psql = Process.Start(start)!;
        psql.OutputDataReceived += (_, _) => { };
        psql.ErrorDataReceived += (_, _) => { };
        psql.BeginOutputReadLine();
        psql.BeginErrorReadLine();
        var sent = await server.RecordAsync();
        await psql.WaitForExitAsync();
        File.Delete(file);
        return sent;
    }

    [GeneratedRegex(@"^\\[^.N\r\n][^\r\n]*", RegexOptions.Multiline)]
    private static partial Regex MetaCommandLine();

    [GeneratedRegex(@"\\(g|gx|gset|gexec|gdesc|crosstabview|bind|parse|watch)\b[^\r\n]*$", RegexOptions.Multiline)]
    private static partial Regex SendingMetaCommand();

    [GeneratedRegex(@"/\*(?:(?!/\*|\*/)[\s\S])*\*/")]
    private static partial Regex InnermostComment();

    [GeneratedRegex(@"\n{2,}")]
    private static partial Regex EmptyLines();

    [GeneratedRegex(@"(?<![^\n])\\\.\r?\n?\z")]
    private static partial Regex EndOfData();

    [GeneratedRegex(@"--[^\r\n]*")]
    private static partial Regex LineComment();

    /// <summary>psql reads line by line and so forgets, on the next line, that a string it continues has escapes.</summary>
    [GeneratedRegex(@"E'a'\n'\\';'")]
    private static partial Regex ReadOtherwiseByPsql();
}
