namespace PgOps.Core.Checks.User;

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
