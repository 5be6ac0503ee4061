namespace PgOps.Core.Restores;

/// <summary>One more inspection of a copy that is restored, compared and analysed.</summary>
/// <param name="Check">The check that fails when the inspection cannot be made.</param>
/// <param name="RunAsync">Makes it.</param>
internal sealed record RestoreInspection(string Check, Func<PgTarget, CancellationToken, Task<IReadOnlyList<PgCheck>>> RunAsync)
{
    /// <summary>Whether it is left out as soon as a check has failed.</summary>
    internal bool OnlyWhenPassed { get; init; }

    /// <summary>Whether it makes failed checks of errors itself, so that whatever it throws keeps the work from being done.</summary>
    internal bool HandlesErrors { get; init; }
}
