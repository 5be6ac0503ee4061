namespace PgOps.Core.Checks.User;

/// <summary>A check in another language than SQL, for example a script block; what it throws fails the check.</summary>
/// <param name="name">Its name.</param>
/// <param name="run">The check itself, as <see cref="UserCheck.RunAsync"/> is.</param>
public sealed class DelegateCheck(string name, Func<PgTarget, TimeSpan, CancellationToken, Task<UserCheckAnswer>> run) : UserCheck(name)
{
    internal override Task<UserCheckAnswer> RunAsync(PgTarget target, TimeSpan timeout, CancellationToken cancellationToken)
        => run(target, timeout, cancellationToken);
}
