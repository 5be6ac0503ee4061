using System.Globalization;
using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Sql;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Torture;

/// <summary>
/// A database of everything that PostgreSQL has, with the values and names that dumps and restores stumble over: the scripts beside
/// this file, each named after the version that can run it.
/// </summary>
internal static class TortureDatabase
{
    private static readonly string[] Parts = ["types", "names", "objects", "last"];

    /// <summary>Makes one on a server and gives the way to it.</summary>
    /// <param name="server">The server, as superuser.</param>
    /// <param name="name">The database's name.</param>
    internal static async Task<PgTarget> CreateAsync(PgTarget server, string name)
    {
        foreach (var role in (string[])["torture_owner", "torture_reader"])
        {
            await SandboxServer.ExecuteAsync(server, $"DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN END $$");
        }

        // Read from the server itself, for the oldest tools do not know the newest server.
        var major = (int)(await SandboxServer.ExecuteAsync(server, "SELECT current_setting('server_version_num')::int / 10000"))!;
        await SandboxServer.ExecuteAsync(server, $"CREATE DATABASE {Quote.Identifier(name)} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'");
        var target = server.WithDatabase(name);
        var assembly = typeof(TortureDatabase).Assembly;
        var scripts = assembly.GetManifestResourceNames().Where(script => script.EndsWith(".sql", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);
        foreach (var script in Parts.SelectMany(part => scripts.Where(script => script.Contains("-" + part, StringComparison.Ordinal))))
        {
            if (int.Parse(script[..2], CultureInfo.InvariantCulture) <= major)
            {
                await RunAsync(target, script, null);
            }
        }

        await RunAsync(server, "13-settings.sql", name);
        return target;
    }

    private static async Task RunAsync(PgTarget target, string script, string? database)
    {
        using var stream = typeof(TortureDatabase).Assembly.GetManifestResourceStream(script)!;
        using var reader = new StreamReader(stream);
        var text = (await reader.ReadToEndAsync()).Replace("$DATABASE", Quote.Identifier(database ?? ""), StringComparison.Ordinal);
        using var input = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(text));
        var psql = PostgresBinaries.Client("psql");
        var result = await ToolProcess.RunAsync(
            new ToolCommand(
                psql.Path, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1")
            { Target = target, Input = input, Output = Stream.Null },
            CancellationToken.None);
        Assert.True(result.ExitCode == 0, script + "\n" + string.Join('\n', result.Errors));
    }
}
