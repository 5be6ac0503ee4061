using System.Text;

namespace PgOps;

/// <summary>An error that says what is wrong, what state things are in, and what to do next.</summary>
public class PgOpsException : Exception
{
    /// <summary>Makes an error.</summary>
    /// <param name="code">The stable code.</param>
    /// <param name="problem">What is wrong.</param>
    /// <param name="state">What state things are in; null when nothing was touched.</param>
    /// <param name="nextStep">What to do next.</param>
    /// <param name="innerException">The cause.</param>
    public PgOpsException(PgErrorCode code, string problem, string? state = null, string? nextStep = null, Exception? innerException = null)
        : base(Compose(problem, state, nextStep), innerException)
    {
        Code = code;
        Problem = problem;
        State = state;
        NextStep = nextStep;
    }

    /// <summary>The stable code.</summary>
    public PgErrorCode Code { get; }

    /// <summary>What is wrong.</summary>
    public string Problem { get; }

    /// <summary>What state things are in, or null when nothing was touched.</summary>
    public string? State { get; }

    /// <summary>What to do next.</summary>
    public string? NextStep { get; }

    /// <summary>The object the error is about: a target, a migration, a backup.</summary>
    public object? Subject { get; init; }

    /// <summary>The statement that the server refused, where there is one.</summary>
    public PgStatementError? Statement { get; init; }

    /// <summary>Whether all that failed is the making of a connection, so that nothing was done through it.</summary>
    internal bool IsUnconnected { get; init; }

    /// <summary>The same error, told from further out: subject, statement and cause stay.</summary>
    /// <param name="state">What state things are in, as the one further out knows it.</param>
    /// <param name="problem">What is wrong; null leaves it.</param>
    /// <param name="nextStep">What to do next; null leaves it.</param>
    /// <param name="subject">What it is about; null leaves it.</param>
    /// <returns>The error to throw, with this one's cause, or this one as its cause.</returns>
    public PgOpsException InState(string? state, string? problem = null, string? nextStep = null, object? subject = null)
        => new(Code, problem ?? Problem, state, nextStep ?? NextStep, InnerException ?? this)
        {
            Subject = subject ?? Subject,
            Statement = Statement,
        };

    private static string Compose(string problem, string? state, string? nextStep)
    {
        var text = new StringBuilder(problem);
        if (!string.IsNullOrEmpty(state))
        {
            text.Append('\n').Append("State: ").Append(state);
        }

        if (!string.IsNullOrEmpty(nextStep))
        {
            text.Append('\n').Append("Next:  ").Append(nextStep);
        }

        return text.ToString();
    }
}
