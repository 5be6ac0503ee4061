using System.Text;

namespace PgOps.Benchmarks;

/// <summary>Other tools, where an environment variable or PATH names them: PGOPS_BENCHMARK_DBMATE, …_NODE_PG_MIGRATE, …_SQITCH.</summary>
internal static class Peers
{
    /// <summary>Those that are here, each with its own copy of the files in its own shape.</summary>
    internal static IEnumerable<(string Name, Func<PgTarget, Task<long>> Run)> Find(string folder, IReadOnlyList<string> files)
    {
        if (Tool("dbmate", "PGOPS_BENCHMARK_DBMATE") is { } dbmate)
        {
            var path = Directory.CreateDirectory(Path.Combine(folder, "dbmate")).FullName;
            foreach (var file in files)
            {
                File.WriteAllText(
                    Path.Combine(path, Path.GetFileName(file)), $"-- migrate:up\n{File.ReadAllText(file)}\n-- migrate:down\n");
            }

            yield return ("dbmate", target => ChildProgram.RunAsync(
                target, dbmate, ["--url", Url(target), "-d", path, "--no-dump-schema", "migrate"], variables: ("PGGSSENCMODE", "")));
        }

        if (Tool("node-pg-migrate", "PGOPS_BENCHMARK_NODE_PG_MIGRATE") is { } node)
        {
            var path = Directory.CreateDirectory(Path.Combine(folder, "node")).FullName;
            foreach (var file in files)
            {
                File.WriteAllText(
                    Path.Combine(path, Path.GetFileName(file)), $"-- Up Migration\n{File.ReadAllText(file)}\n-- Down Migration\n");
            }

            yield return ("node-pg-migrate", target => ChildProgram.RunAsync(
                target, node, ["up", "-m", path, "--no-single-transaction"], folder: folder, variables: ("DATABASE_URL", Url(target))));
        }

        if (Tool("sqitch", "PGOPS_BENCHMARK_SQITCH") is { } sqitch)
        {
            var path = Directory.CreateDirectory(Path.Combine(folder, "sqitch", "deploy")).Parent!.FullName;
            var plan = new StringBuilder("%syntax-version=1.0.0\n%project=bench\n\n");
            foreach (var file in files)
            {
                var name = Path.GetFileNameWithoutExtension(file);
                plan.Append(name).Append(" 2026-01-01T00:00:00Z Bench <bench@example.com> # -\n");
                File.WriteAllText(Path.Combine(path, "deploy", name + ".sql"), $"BEGIN;\n{File.ReadAllText(file)}\nCOMMIT;\n");
            }

            File.WriteAllText(Path.Combine(path, "sqitch.plan"), plan.ToString());
            File.WriteAllText(
                Path.Combine(path, "sqitch.conf"), "[core]\n\tengine = pg\n[user]\n\tname = Bench\n\temail = bench@example.com\n");
            yield return ("sqitch", target => ChildProgram.RunAsync(target, sqitch, ["deploy", $"db:pg:{target.Database}"], folder: path));
        }
    }

    private static string? Tool(string name, string variable)
    {
        var path = ChildProgram.Find(name, variable);
        if (path is null)
        {
            Console.WriteLine($"({name} is not here and is left out: {variable} may name it)");
        }

        return path;
    }

    private static string Url(PgTarget target)
        => $"postgres://{target.Username}:{target.GetEnvironment()["PGPASSWORD"]}@"
            + $"{(target.Host[0] == '/' ? "" : $"{target.Host}:{target.Port}")}/"
            + $"{target.Database}?sslmode=disable{(target.Host[0] == '/' ? $"&host={target.Host}&port={target.Port}" : "")}";
}
