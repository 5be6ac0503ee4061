namespace PgOps;

/// <summary>libpq's sslmode values (https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-SSLMODE-STATEMENTS).</summary>
public enum PgSslMode
{
    /// <summary>Never encrypted.</summary>
    Disable,

    /// <summary>Encrypted only when the server insists.</summary>
    Allow,

    /// <summary>Encrypted when the server can; libpq's default.</summary>
    Prefer,

    /// <summary>Encrypted, certificate not verified.</summary>
    Require,

    /// <summary>Encrypted, certificate signed by a trusted authority.</summary>
    VerifyCA,

    /// <summary>Encrypted, certificate trusted and issued for this host name.</summary>
    VerifyFull,
}
