namespace PgOps.Core.Checks.User;

/// <summary>What a check says for itself.</summary>
/// <param name="Passed">Whether it passed.</param>
/// <param name="Detail">What it found.</param>
public sealed record UserCheckAnswer(bool Passed, string Detail);

/// <summary>A check of the user's own.</summary>
/// <param name="name">Its name; the check in the result is named <c>check: name</c>.</param>
public abstract class UserCheck(string name)
{
    /// <summary>Its name.</summary>
    public string Name { get; } = name;

    /// <summary>Makes the check.</summary>
    /// <param name="target">The database.</param>
    /// <param name="timeout">The time allowed; the check keeps to it and throws OperationCanceledException when it is over.</param>
    /// <param name="cancellationToken">Cancelled when the whole test is.</param>
    internal abstract Task<UserCheckAnswer> RunAsync(PgTarget target, TimeSpan timeout, CancellationToken cancellationToken);

    private protected static CancellationTokenSource Limit(TimeSpan timeout, CancellationToken cancellationToken)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        return limit;
    }
}

/// <summary>A check in another language than SQL, for example a script block; what it throws fails the check.</summary>
/// <param name="name">Its name.</param>
/// <param name="run">The check itself, as <see cref="UserCheck.RunAsync"/> is.</param>
public sealed class DelegateCheck(string name, Func<PgTarget, TimeSpan, CancellationToken, Task<UserCheckAnswer>> run) : UserCheck(name)
{
    internal override Task<UserCheckAnswer> RunAsync(PgTarget target, TimeSpan timeout, CancellationToken cancellationToken)
        => run(target, timeout, cancellationToken);
}
