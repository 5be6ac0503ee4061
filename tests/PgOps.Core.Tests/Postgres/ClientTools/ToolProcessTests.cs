using System.Diagnostics;
using System.Globalization;
using PgOps.Core.Common.Files;
using PgOps.Core.Postgres.ClientTools;

namespace PgOps.Core.Tests.Postgres.ClientTools;

/// <summary>Unix shells stand in for the tools.</summary>
public sealed class ToolProcessTests
{
    private static readonly PgTarget Target = new()
    {
        Host = "db1",
        Database = "shop",
        Username = "app",
        Password = new PgSecret("topsecret"),
    };

    [Fact]
    public async Task Hands_over_arguments_as_they_are()
    {
        var lines = new List<string>();
        await ToolProcess.RunAsync(
            new ToolCommand("printf", "%s\n", "two words", "$(id)", "\"x\"", "") { OnOutput = lines.Add }, CancellationToken.None);
        Assert.Equal(["two words", "$(id)", "\"x\"", ""], lines);
    }

    [Fact]
    public async Task Inherited_PG_variables_do_not_reach_the_program_and_the_targets_do()
    {
        Environment.SetEnvironmentVariable("PGSERVICE", "elsewhere");
        try
        {
            var lines = new List<string>();
            await ToolProcess.RunAsync(new ToolCommand("env") { Target = Target, OnOutput = lines.Add }, CancellationToken.None);
            Assert.DoesNotContain(lines, line => line.StartsWith("PGSERVICE=", StringComparison.Ordinal));
            Assert.Contains("PGHOST=db1", lines);
            Assert.Contains("LC_MESSAGES=C", lines);
            Assert.DoesNotContain(lines, line => line.StartsWith("LC_ALL=", StringComparison.Ordinal));
            Assert.Contains("PGPASSWORD=********", lines);
        }
        finally
        {
            Environment.SetEnvironmentVariable("PGSERVICE", null);
        }
    }

    [Fact]
    public async Task A_failure_shows_the_last_lines_of_stderr_without_the_password()
    {
        var result = await Shell("echo first >&2; echo bad topsecret >&2; exit 3", command => command with { Target = Target });
        var error = Assert.Throws<PgOpsException>(() => result.EnsureSuccess("nothing was written", "look"));
        Assert.Equal(PgErrorCode.ToolFailed, error.Code);
        Assert.Contains("sh ended with exit code 3", error.Problem, StringComparison.Ordinal);
        Assert.Contains("first\n  bad ********", error.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keeps_a_bounded_tail_of_stderr()
    {
        var seen = 0;
        var result = await Shell("seq 1 5000 >&2", command => command with { OnError = _ => seen++ });
        Assert.Equal(5000, seen);
        Assert.Equal(ToolProcess.KeptErrorLines, result.Errors.Count);
        Assert.Equal("5000", result.Errors[^1]);
    }

    [Fact]
    public async Task Carries_bytes_through_both_streams_unchanged()
    {
        var bytes = new byte[3_000_000];
        Random.Shared.NextBytes(bytes);
        using var input = new MemoryStream(bytes);
        using var output = new MemoryStream();
        await ToolProcess.RunAsync(new ToolCommand("cat") { Input = input, Output = output }, CancellationToken.None);
        Assert.True(bytes.AsSpan().SequenceEqual(output.ToArray()));
    }

    [Fact]
    public async Task A_program_that_reads_finds_an_empty_input_instead_of_a_prompt()
    {
        var result = await Shell("read answer || exit 7", command => command);
        Assert.Equal(7, result.ExitCode);
    }

    [Fact]
    public async Task A_program_that_stops_reading_early_is_judged_by_its_exit_code()
    {
        using var input = new MemoryStream(new byte[3_000_000]);
        var result = await Shell("exit 4", command => command with { Input = input });
        Assert.Equal(4, result.ExitCode);
    }

    [Fact]
    public async Task Cancelling_lets_the_program_clean_up_and_waits_for_it()
    {
        var folder = Directory.CreateTempSubdirectory("pgops-test-").FullName;
        var partial = Path.Combine(folder, "x.partial");
        using var cancellation = new CancellationTokenSource();
        var run = ToolProcess.RunAsync(
            new ToolCommand(
                "sh", "-c", "trap 'sleep 0.3; rm \"$0\"; exit 1' TERM; echo > \"$0\"; echo ready; while :; do sleep 0.05; done", partial)
            {
                OnOutput = _ => cancellation.Cancel(),
            },
            cancellation.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.False(File.Exists(partial));
        Directory.Delete(folder);
    }

    [Fact]
    public async Task A_program_that_ignores_the_request_is_killed_with_its_children_before_the_cancellation_shows()
    {
        var processes = new List<int>();
        using var cancellation = new CancellationTokenSource();
        var command = new ToolCommand("sh", "-c", "trap '' TERM; sleep 60 & echo $$; echo $!; wait; while :; do sleep 60; done")
        {
            GracePeriod = TimeSpan.FromMilliseconds(200),
            OnOutput = line =>
            {
                processes.Add(int.Parse(line, CultureInfo.InvariantCulture));
                if (processes.Count == 2)
                {
                    cancellation.Cancel();
                }
            },
        };
        var clock = Stopwatch.StartNew();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ToolProcess.RunAsync(command, cancellation.Token));
        Assert.All(processes, process => Assert.Null(ProcessStamp.Of(process)));
        // Its child sleeps for a minute.
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 55);
    }

    [Fact]
    public async Task A_sink_that_cannot_be_written_ends_the_program_and_is_the_error()
    {
        using var full = new FullDisk();
        var error = await Assert.ThrowsAsync<IOException>(
            () => ToolProcess.RunAsync(new ToolCommand("yes") { Output = full }, CancellationToken.None));
        Assert.Equal("No space left on device", error.Message);
    }

    [Fact]
    public async Task A_program_that_is_not_there_is_a_missing_tool()
    {
        var error = await Assert.ThrowsAsync<PgOpsException>(
            () => ToolProcess.RunAsync(new ToolCommand("/nowhere/pg_dump"), CancellationToken.None));
        Assert.Equal(PgErrorCode.ToolMissing, error.Code);
    }

    private static Task<ToolResult> Shell(string script, Func<ToolCommand, ToolCommand> change) =>
        ToolProcess.RunAsync(change(new ToolCommand("sh", "-c", script)), CancellationToken.None);

    private sealed class FullDisk : MemoryStream
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            throw new IOException("No space left on device");
    }
}
