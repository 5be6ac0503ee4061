namespace PgOps.Core.Common.Text;

/// <summary>An error within a check's detail, where it has one line.</summary>
internal static class ErrorSentences
{
    /// <summary>The problem and the next step, one sentence after the other, whether or not the problem ends with a full stop.</summary>
    /// <param name="error">The error.</param>
    internal static string InSentences(this PgOpsException error)
    {
        var problem = error.Problem.TrimEnd();
        return string.IsNullOrEmpty(error.NextStep) ? problem
            : problem.Length > 0 && problem[^1] is '.' or '!' or '?' or ':' ? $"{problem} {error.NextStep}"
            : $"{problem}. {error.NextStep}";
    }
}
