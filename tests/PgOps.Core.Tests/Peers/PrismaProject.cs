using System.Diagnostics;
using System.Globalization;

namespace PgOps.Core.Tests.Peers;

/// <summary>A project of Prisma's in a folder of its own, whose migrations Prisma itself has written and can apply.</summary>
internal sealed class PrismaProject : IDisposable
{
    private const string Shop = """
        datasource db {
          provider = "postgresql"
          url      = env("DATABASE_URL")
        }
        model Customer {
          id     Int     @id @default(autoincrement())
          email  String  @unique
          orders Order[]
        }
        model Order {
          id         Int      @id @default(autoincrement())
          at         DateTime @default(now())
          state      State    @default(OPEN)
          customer   Customer @relation(fields: [customerId], references: [id])
          customerId Int
          @@index([at])
        }
        enum State {
          OPEN
          PAID
        }
        """;

    private const string Line = """

        model Line {
          order    Int
          position Int
          price    Decimal @db.Decimal(12, 2)
          data     Json?
          @@id([order, position])
        }
        """;

    private static readonly string[] Schemas =
    [
        Shop,
        Changed("name String?\n  tags String[]"),
        Changed("name String @default(\"\")\n  born DateTime? @db.Date") + Line,
    ];

    private PrismaProject(string folder)
    {
        Folder = folder;
    }

    /// <summary>The project's folder.</summary>
    internal string Folder { get; }

    /// <summary>The folder of migrations.</summary>
    internal string Migrations => Path.Combine(Folder, "migrations");

    internal static string? Missing => Peer.Missing("npm's prisma", Cli) ?? Peer.Missing("Node.js", Peer.Node);

    private static string? Cli => Peer.Npm("PRISMA", "prisma/build/index.js");

    /// <summary>Makes the project with three migrations, each written by Prisma from the schemas before and after it.</summary>
    /// <param name="server">A database that Prisma can connect to, as it wants to for everything; it changes nothing there.</param>
    internal static Task<PrismaProject> CreateAsync(PgTarget server) => CreateAsync(project => project.WriteAsync(server));

    /// <summary>Makes a project without migrations.</summary>
    internal static Task<PrismaProject> CreateEmptyAsync() => CreateAsync(project =>
    {
        project.Begin();
        return File.WriteAllTextAsync(Path.Combine(project.Folder, "schema.prisma"), Shop);
    });

    private static async Task<PrismaProject> CreateAsync(Func<PrismaProject, Task> write)
    {
        var project = new PrismaProject(Directory.CreateTempSubdirectory("pgops-prisma-").FullName);
        try
        {
            await write(project);
            return project;
        }
        catch
        {
            project.Dispose();
            throw;
        }
    }

    /// <summary>Applies the migrations to a database, as Prisma does.</summary>
    internal Task DeployAsync(PgTarget target) => RunAsync(target, "migrate", "deploy");

    /// <summary>What Prisma says of the database; it ends with 1 when something is pending.</summary>
    internal Task<string> StatusAsync(PgTarget target) => RunAsync(target, [0, 1], "migrate", "status");

    public void Dispose()
    {
        File.Delete(Path.Combine(Folder, "node_modules"));
        Directory.Delete(Folder, recursive: true);
    }

    // The customers get further columns, and the orders a further state.
    private static string Changed(string columns)
        => Shop.Replace("  PAID", "  PAID\n  SENT", StringComparison.Ordinal)
            .Replace("@unique\n", $"@unique\n  {columns}\n", StringComparison.Ordinal);

    private void Begin()
    {
        Directory.CreateSymbolicLink(Path.Combine(Folder, "node_modules"), Peer.NodeModules);
        File.Copy(Path.Combine(Peer.Root, "tests", "peers", "prisma.config.mjs"), Path.Combine(Folder, "prisma.config.mjs"));
        Directory.CreateDirectory(Migrations);
        File.WriteAllText(Path.Combine(Migrations, "migration_lock.toml"), "provider = \"postgresql\"\n");
    }

    private async Task WriteAsync(PgTarget server)
    {
        Begin();
        for (var i = 0; i < Schemas.Length; i++)
        {
            var before = Path.Combine(Folder, "before.prisma");
            var after = Path.Combine(Folder, "schema.prisma");
            await File.WriteAllTextAsync(after, Schemas[i]);
            var name = string.Create(CultureInfo.InvariantCulture, $"2024010{i + 1}000000_m{i + 1}");
            var script = Path.Combine(Directory.CreateDirectory(Path.Combine(Migrations, name)).FullName, "migration.sql");
            string[] from = i == 0 ? ["--from-empty"] : ["--from-schema-datamodel", before];
            await RunAsync(server, ["migrate", "diff", .. from, "--to-schema-datamodel", after, "--script", "--output", script]);
            File.Copy(after, before, overwrite: true);
        }
    }

    private Task<string> RunAsync(PgTarget target, params string[] arguments) => RunAsync(target, [0], arguments);

    private async Task<string> RunAsync(PgTarget target, int[] ends, params string[] arguments)
    {
        var start = new ProcessStartInfo(Peer.Node!, [Cli!, .. arguments])
        {
            WorkingDirectory = Folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // pg takes a socket's folder as the parameter host.
        start.Environment["DATABASE_URL"] = $"postgresql://{target.Username}:{Uri.EscapeDataString(target.Password?.Reveal() ?? "")}"
            + $"@localhost:{target.Port}/{target.Database}?host={Uri.EscapeDataString(target.Host!)}";
        // Named, so that neither native engine is looked for on the network; neither is used.
        start.Environment["PRISMA_QUERY_ENGINE_LIBRARY"] = start.Environment["PRISMA_SCHEMA_ENGINE_BINARY"] = "/bin/true";
        start.Environment["CHECKPOINT_DISABLE"] = "1";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(ends.Contains(process.ExitCode), $"prisma {string.Join(' ', arguments)}\n{await output}\n{await errors}");
        return await output;
    }
}
