using System.Globalization;

namespace PgOps.Core.Postgres.ClientTools;

/// <summary>How a program ended.</summary>
/// <param name="Program">The program's name without folder.</param>
/// <param name="ExitCode">Its exit code; above 128 on Unix when a signal ended it.</param>
/// <param name="Errors">The last lines of its standard error, secrets hidden, at most <see cref="ToolProcess.KeptErrorLines"/>.</param>
/// <param name="Duration">How long it ran.</param>
internal sealed record ToolResult(string Program, int ExitCode, IReadOnlyList<string> Errors, TimeSpan Duration)
{
    private const int ShownErrorLines = 12;

    /// <summary>Throws when the exit code is not 0.</summary>
    /// <param name="state">What state things are in, for the error; null when nothing was touched.</param>
    /// <param name="nextStep">What to do next, for the error.</param>
    /// <returns>This result.</returns>
    /// <exception cref="PgOpsException"><see cref="PgErrorCode.ToolFailed"/>, with the last lines of standard error.</exception>
    public ToolResult EnsureSuccess(string? state = null, string? nextStep = null) =>
        ExitCode == 0 ? this : throw Error(state, nextStep);

    /// <summary>Makes the error that this result deserves, whatever the exit code: a warning can be one, too.</summary>
    /// <param name="state">What state things are in; null when nothing was touched.</param>
    /// <param name="nextStep">What to do next.</param>
    /// <returns>The error, with the last lines of standard error.</returns>
    public PgOpsException Error(string? state = null, string? nextStep = null)
    {
        var ending =
            ExitCode == 0 ? "ended with warnings" : string.Create(CultureInfo.InvariantCulture, $"ended with exit code {ExitCode}");
        var lines = string.Concat(Errors.TakeLast(ShownErrorLines).Select(line => "\n  " + line));
        return new PgOpsException(PgErrorCode.ToolFailed, $"{Program} {ending}{(lines.Length == 0 ? "." : ":" + lines)}", state, nextStep);
    }
}
