using PgOps.Core.Postgres.ClientTools;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Postgres.ClientTools;

public sealed class PostgresBinariesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pgops-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [PostgresFact]
    public void Finds_a_server_and_its_full_version()
    {
        var server = PostgresBinaries.Server();
        Assert.True(server.HasServer);
        Assert.Contains(".", server.Version, StringComparison.Ordinal);
        Assert.Equal(server.BinPath, PostgresBinaries.Server(server.Major).BinPath);
    }

    [PostgresFact]
    public void Debians_wrapper_is_no_installation()
    {
        Assert.DoesNotContain(PostgresBinaries.List(), installation => installation.BinPath == "/usr/bin");
    }

    [Fact]
    public void A_client_older_than_the_server_is_refused_before_anything_is_written()
    {
        Fake("pg_dump", "pg_dump (PostgreSQL) 14.2");
        var error = Assert.Throws<PgOpsException>(() => PostgresBinaries.Client("pg_dump", 16, _folder));
        Assert.Equal(PgErrorCode.ToolTooOld, error.Code);
        Assert.Contains("14.2", error.Problem, StringComparison.Ordinal);
        Assert.Contains("16", error.NextStep, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pg_dump (PostgreSQL) 17.6 (Debian 17.6-1.pgdg12+1)", "17.6", 17)]
    [InlineData("pg_dump (PostgreSQL) 18beta1", "18beta1", 18)]
    [InlineData("pg_dump (EnterpriseDB) 16.3.0", "16.3.0", 16)]
    public void A_client_tells_its_version(string line, string version, int major)
    {
        Fake("pg_dump", line);
        var tool = PostgresBinaries.Client("pg_dump", major, _folder);
        Assert.Equal(version, tool.Version);
        Assert.Equal(major, tool.Major);
        Assert.Equal(Path.Combine(_folder, "pg_dump"), tool.Path);
    }

    [Fact]
    public void A_client_that_is_not_there_comes_with_the_command_that_installs_it()
    {
        Fake("psql", "psql (PostgreSQL) 16.1");
        var error = Assert.Throws<PgOpsException>(() => PostgresBinaries.Client("pg_dump", 0, _folder));
        Assert.Equal(PgErrorCode.ToolMissing, error.Code);
        Assert.Contains("nstall it with", error.NextStep, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_the_server_is_named_in_the_error()
    {
        Fake("psql", "psql (PostgreSQL) 16.1");
        var error = Assert.Throws<PgOpsException>(() => PostgresBinaries.Server(null, _folder));
        Assert.Equal(PgErrorCode.ToolMissing, error.Code);
        Assert.Contains(_folder, error.Problem, StringComparison.Ordinal);
    }

    // A server of another distribution, unpacked: it is there, and misses a library.
    [Theory]
    [InlineData("")]
    [InlineData("postgresql/17/bin")]
    public void A_server_that_does_not_start_is_not_missing_and_has_its_words_shown(string below)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, below)).FullName;
        Fake(Path.Combine(below, "initdb"), "initdb (PostgreSQL) 17.2");
        Broken(Path.Combine(below, "postgres"));
        var error = Assert.Throws<PgOpsException>(() => PostgresBinaries.Server(null, folder));
        Assert.Equal(PgErrorCode.ToolFailed, error.Code);
        Assert.Contains(Path.Combine(folder, "postgres"), error.Problem, StringComparison.Ordinal);
        Assert.Contains("libicui18n.so.99: cannot open shared object file", error.Problem, StringComparison.Ordinal);

        Broken(Path.Combine(below, "pg_dump"));
        error = Assert.Throws<PgOpsException>(() => PostgresBinaries.Client("pg_dump", 0, folder));
        Assert.Contains("libicui18n.so.99", error.Problem, StringComparison.Ordinal);
        File.WriteAllBytes(Path.Combine(folder, "pg_dump"), [0x7F, .. "ELF of another machine"u8]);
        error = Assert.Throws<PgOpsException>(() => PostgresBinaries.Client("pg_dump", 0, folder));
        Assert.Contains("cannot be started", error.Problem, StringComparison.Ordinal);
        Assert.Equal(17, Assert.Single(PostgresBinaries.List(folder)).Major);
    }

    [Fact]
    public void Of_two_of_one_major_version_the_newer_minor_release_comes_first()
    {
        foreach (var (place, version) in new[] { ("a", "17.6"), ("b", "17.12"), ("c", "17.9") })
        {
            Directory.CreateDirectory(Path.Combine(_folder, place, "postgresql/17/bin"));
            Fake(Path.Combine(place, "postgresql/17/bin/pg_dump"), $"pg_dump (PostgreSQL) {version}");
        }

        var found =
            PostgresBinaries.NewestFirst(new[] { "a", "b", "c" }.Select(place => Path.Combine(_folder, place, "postgresql/17/bin")));
        Assert.Equal(["b", "c", "a"], found.Select(installation => Path.GetRelativePath(_folder, installation.BinPath)[..1]));
    }

    private void Broken(string tool)
    {
        Fake(tool, "");
        File.WriteAllText(Path.Combine(_folder, tool), "#!/bin/sh\necho \"$0: error while loading shared libraries: libicui18n.so.99: "
            + "cannot open shared object file\" >&2\nexit 127\n");
    }

    private void Fake(string tool, string versionLine)
    {
        var path = Path.Combine(_folder, tool);
        File.WriteAllText(path, $"#!/bin/sh\necho '{versionLine}'\n");
        ToolProcess.RunAsync(new ToolCommand("chmod", "755", path), CancellationToken.None).GetAwaiter().GetResult();
    }
}
