namespace PgOps.Core.Checks.User;

/// <summary>What a check says for itself.</summary>
/// <param name="Passed">Whether it passed.</param>
/// <param name="Detail">What it found.</param>
public sealed record UserCheckAnswer(bool Passed, string Detail);
