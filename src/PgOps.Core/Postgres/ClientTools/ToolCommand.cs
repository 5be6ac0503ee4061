using System.Text;

namespace PgOps.Core.Postgres.ClientTools;

/// <summary>One run of a program: an argument list, never a shell string, and no secret among the arguments.</summary>
internal sealed record ToolCommand
{
    /// <summary>Names the program and its arguments.</summary>
    /// <param name="program">Full path, or a name to be found on the PATH.</param>
    /// <param name="arguments">The arguments, each passed as it is.</param>
    public ToolCommand(string program, params string[] arguments)
    {
        Program = program;
        Arguments = arguments;
    }

    /// <summary>Full path, or a name to be found on the PATH.</summary>
    public string Program { get; }

    /// <summary>The arguments, each passed as it is.</summary>
    public IReadOnlyList<string> Arguments { get; init; }

    /// <summary>
    /// The database the program works on: becomes its PG* environment. All inherited PG* variables are removed, with or without one.
    /// </summary>
    public PgTarget? Target { get; init; }

    /// <summary>Further environment variables; a null value removes one.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    /// <summary>The folder to run in; null stays in the current one.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>What the program reads on its standard input; null gives it an empty one, so that it can never prompt.</summary>
    public Stream? Input { get; init; }

    /// <summary>Receives the standard output's bytes. Flushed, not closed.</summary>
    public Stream? Output { get; init; }

    /// <summary>
    /// Receives the standard output line by line, secrets hidden, on another thread; unused when <see cref="Output"/> is set.
    /// </summary>
    public Action<string>? OnOutput { get; init; }

    /// <summary>Receives each line of standard error, secrets hidden, on another thread.</summary>
    public Action<string>? OnError { get; init; }

    /// <summary>The encoding of what it writes line by line; names in it have that of the database.</summary>
    public Encoding Encoding { get; init; } = Encoding.UTF8;

    /// <summary>How long a cancelled program may take to end by itself before it is killed with all its children.</summary>
    public TimeSpan GracePeriod { get; init; } = TimeSpan.FromSeconds(5);
}
