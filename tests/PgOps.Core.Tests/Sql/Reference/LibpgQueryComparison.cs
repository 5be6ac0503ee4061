using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using PgOps.Core.Sql;
using PgOps.Core.Tests.Peers;
using Xunit.Abstractions;

namespace PgOps.Core.Tests.Sql.Reference;

/// <summary>
/// Every token and every statement boundary compared with the server's own scanner and parser, as the npm package libpg-query holds
/// them. PGOPS_LIBPG_QUERY_INPUTS and PGOPS_LIBPG_QUERY_SEED change how many scripts are made, and which.
/// </summary>
public sealed partial class LibpgQueryComparison(ITestOutputHelper output)
{
    private const string Program = """
        const query = require(process.argv[2] + '/libpg-query');
        (async () => {
          await query.loadModule();
          const answers = JSON.parse(require('fs').readFileSync(0, 'utf8')).map(sql => {
            let tokens = null, statements = null;
            try { tokens = query.scanSync(sql).tokens.map(t => [t.start, t.end, t.tokenType]); } catch { }
            try { statements = (query.parseSync(sql).stmts || []).map(s => [s.stmt_location || 0, s.stmt_len || 0]); } catch { }
            return { tokens, statements };
          });
          process.stdout.write(JSON.stringify(answers));
        })();
        """;

    [LibpgQueryFact]
    public async Task Tokens_and_statements_are_those_of_the_servers_parser()
    {
        var inputs = Setting("PGOPS_LIBPG_QUERY_INPUTS", 20_000);
        var random = new RandomSql(Setting("PGOPS_LIBPG_QUERY_SEED", 1), reservedLabels: true);
        var (scanned, parsed, statements) = (0, 0, 0);
        var differences = new List<string>();
        for (var done = 0; done < inputs; done += 2_000)
        {
            var scripts = Enumerable.Range(0, 2_000).Select(index => index % 4 == 0 ? random.NextMutated() : random.Next()).ToArray();
            var answers = await AskAsync(scripts);
            for (var i = 0; i < scripts.Length; i++)
            {
                if (answers[i].Tokens is not { } tokens || PatchedInLibpgQuery().IsMatch(scripts[i]))
                {
                    continue;
                }

                scanned++;
                var offsets = Utf16Offsets(scripts[i]);
                var expectedTokens = tokens.Select(token => (Start: offsets[token[0]], End: offsets[token[1]])).ToList();
                Compare(scripts[i], Merge(scripts[i], expectedTokens), Tokens(scripts[i]), differences);
                if (answers[i].Statements is { } found)
                {
                    parsed++;
                    statements += found.Length;
                    Compare(scripts[i], Trim(scripts[i], found, expectedTokens, offsets), Statements(scripts[i]), differences);
                }
            }
        }

        output.WriteLine($"{inputs} scripts: tokens of {scanned} compared; {parsed} valid SQL with {statements} statements compared; "
            + $"{differences.Count} differ");
        Assert.True(differences.Count == 0, string.Join("\n", differences.Take(3)));
    }

    private static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web);

    /// <summary>
    /// libpg_query's patches make comments tokens, so a string does not go on behind one, as in PostgreSQL it does, and allow $1abc
    /// (https://github.com/pganalyze/libpg_query: 04_lexer_comments_as_tokens, 09_allow_param_junk). Such scripts are left out.
    /// </summary>
    [GeneratedRegex(@"'\s*--[^\r\n]*[\r\n](\s|--[^\r\n]*[\r\n])*'|\$[0-9]+[A-Za-z_\u0080-\uFFFF]")]
    private static partial Regex PatchedInLibpgQuery();

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : otherwise;

    private static async Task<Answer[]> AskAsync(string[] scripts)
    {
        var program = Path.Combine(Path.GetTempPath(), $"pgops-libpg-query-{Guid.NewGuid():N}.js");
        await File.WriteAllTextAsync(program, Program);
        try
        {
            var start = new ProcessStartInfo(Peer.Node!)
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                StandardInputEncoding = new UTF8Encoding(false),
                StandardOutputEncoding = Encoding.UTF8,
            };
            start.ArgumentList.Add(program);
            start.ArgumentList.Add(Path.GetFullPath(LibpgQueryFactAttribute.Modules!));
            using var node = Process.Start(start)!;
            await node.StandardInput.WriteAsync(JsonSerializer.Serialize(scripts));
            node.StandardInput.Close();
            var answer = await node.StandardOutput.ReadToEndAsync();
            await node.WaitForExitAsync();
            Assert.Equal(0, node.ExitCode);
            return JsonSerializer.Deserialize<Answer[]>(answer, Web)!;
        }
        finally
        {
            File.Delete(program);
        }
    }

    /// <summary>For each UTF-8 byte offset at a character's start, the UTF-16 index.</summary>
    private static int[] Utf16Offsets(string text)
    {
        var offsets = new int[Encoding.UTF8.GetByteCount(text) + 1];
        var (bytes, units) = (0, 0);
        foreach (var rune in text.EnumerateRunes())
        {
            offsets[bytes] = units;
            bytes += rune.Utf8SequenceLength;
            units += rune.Utf16SequenceLength;
        }

        offsets[bytes] = units;
        return offsets;
    }

    /// <summary>The server has the N of N'...' as a token of its own; one with the string here.</summary>
    private static List<(int Start, int End)> Merge(string text, List<(int Start, int End)> tokens)
    {
        var merged = new List<(int Start, int End)>();
        foreach (var token in tokens)
        {
            if (merged.Count > 0 && merged[^1] is var last && last.End == token.Start && text[token.Start] == '\''
                && text[last.Start..last.End] is "N" or "n")
            {
                merged[^1] = (last.Start, token.End);
            }
            else
            {
                merged.Add(token);
            }
        }

        return merged;
    }

    private static List<(int Start, int End)> Tokens(string text)
    {
        var tokens = new List<(int, int)>();
        foreach (var token in new SqlTokenizer(text))
        {
            tokens.Add((token.Offset, token.End));
        }

        return tokens;
    }

    private static List<(int Start, int End)> Trim(string text, int[][] statements, List<(int Start, int End)> tokens, int[] offsets)
    {
        var sql = tokens.Where(token => !text.AsSpan(token.Start).StartsWith("--") && !text.AsSpan(token.Start).StartsWith("/*")).ToList();
        return statements.Select(statement =>
        {
            var start = offsets[statement[0]];
            var end = statement[1] == 0 ? text.Length : offsets[statement[0] + statement[1]];
            var inside = sql.Where(token => token.Start >= start && token.End <= end && (statement[1] > 0 || text[token.Start] != ';'))
                .ToList();
            return (inside[0].Start, inside[^1].End);
        }).ToList();
    }

    private static List<(int Start, int End)> Statements(string text) =>
        SqlScript.Parse(text).Statements.Select(statement => (statement.Offset, statement.Offset + statement.Length)).ToList();

    private static void Compare(
        string text, List<(int Start, int End)> expected, List<(int Start, int End)> actual, List<string> differences)
    {
        if (!expected.SequenceEqual(actual))
        {
            string Show(List<(int Start, int End)> parts) => JsonSerializer.Serialize(parts.Select(part => text[part.Start..part.End]));
            differences.Add($"{JsonSerializer.Serialize(text)}\n  server: {Show(expected)}\n  here:   {Show(actual)}");
        }
    }

    private sealed record Answer(int[][]? Tokens, int[][]? Statements);
}
