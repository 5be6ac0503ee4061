namespace PgOps;

/// <summary>A privilege on a database itself, which somebody other than its owner has.</summary>
public sealed record PgDatabaseGrant
{
    /// <summary>The role; null for PUBLIC.</summary>
    public string? Role { get; init; }

    /// <summary>CONNECT, CREATE or TEMPORARY.</summary>
    public required string Privilege { get; init; }

    /// <summary>Whether the role may grant it to others.</summary>
    public bool Grantable { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Privilege} to {Role ?? "PUBLIC"}{(Grantable ? " with grant option" : "")}";
}
