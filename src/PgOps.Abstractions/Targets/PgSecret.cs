namespace PgOps;

/// <summary>A password or passphrase that does not show itself: no property, no text form, no serialised form.</summary>
public sealed class PgSecret : IEquatable<PgSecret>
{
    private readonly string _value;

    /// <summary>Wraps a secret.</summary>
    /// <param name="value">The secret text.</param>
    public PgSecret(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        _value = value;
    }

    /// <summary>The secret itself. Call it only where the text leaves for a connection or a child's environment.</summary>
    /// <returns>The clear text.</returns>
    public string Reveal() => _value;

    /// <inheritdoc/>
    public override string ToString() => "********";

    /// <inheritdoc/>
    public bool Equals(PgSecret? other) => other is not null && string.Equals(_value, other._value, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as PgSecret);

    /// <inheritdoc/>
    public override int GetHashCode() => _value.GetHashCode(StringComparison.Ordinal);
}
