namespace PgOps;

/// <summary>A setting that one role has in one database (ALTER ROLE … IN DATABASE … SET).</summary>
public sealed record PgRoleSetting
{
    /// <summary>The role.</summary>
    public required string Role { get; init; }

    /// <summary><c>name=value</c>.</summary>
    public required string Setting { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Setting} for {Role}";
}
