using System.Net.Sockets;
using System.Security.Authentication;
using Npgsql;

namespace PgOps.Core.Postgres.Connections;

/// <summary>Turns what the driver and the server say into errors with a state and a way out. Decides on SQLSTATE, never on texts.</summary>
internal static class ServerErrors
{
    /// <summary>The way out where the server has no room for another lock.</summary>
    internal const string MoreLocks = "Raise max_locks_per_transaction (ALTER SYSTEM SET, then restart the server), "
        + "for example to the number of tables and indexes divided by max_connections: "
        + "reading a whole database in one snapshot locks every table at once.";

    /// <summary>The way out where a standby has ended a long read, to go on with what its primary did.</summary>
    internal const string StandbyConflict =
        "The standby has ended this read to apply what its primary has removed since. " + StandbySettings;

    /// <summary>Where a session of a standby is gone, and only its server's log knows why.</summary>
    internal const string StandbyLost = "The server's log says why. If it was a conflict with recovery: " + StandbySettings;

    private const string StandbySettings = "Set hot_standby_feedback = on on the standby, or raise its max_standby_streaming_delay "
        + "(-1 waits as long as it takes), and run the command again; or read the primary.";

    /// <summary>What is true wherever a connection is not made, also in the midst of something bigger.</summary>
    private const string NotConnected = "The connection was not made, so nothing was done through it.";

    /// <summary>The connection was not made.</summary>
    internal static PgOpsException Connecting(PgTarget target, Exception error)
    {
        var (code, problem, next) = error switch
        {
            PostgresException server => Refused(target, server),
            { InnerException: PostgresException server } => Refused(target, server),
            { InnerException: SocketException } when target.Host.StartsWith('/') => (
                PgErrorCode.ConnectionFailed,
                $"No PostgreSQL answers on the socket {target.Host}/.s.PGSQL.{target.Port}.",
                "Check that the server runs (pg_isready) and that its unix_socket_directories and port are these."),
            { InnerException: SocketException socket } => (
                PgErrorCode.ConnectionFailed,
                $"No PostgreSQL answers at {Address(target)}: {socket.Message}",
                "Check the host, the port and that the server runs (pg_isready -h HOST -p PORT); then Test-PgTarget."),
            { InnerException: TimeoutException } or TimeoutException => (
                PgErrorCode.ConnectionFailed,
                $"{Address(target)} did not answer within {target.ConnectTimeout.TotalSeconds:0} s.",
                "A firewall may drop the packets; check the address, or raise connect_timeout."),
            { InnerException: AuthenticationException tls } => (
                PgErrorCode.ConnectionFailed,
                $"The encrypted connection to {Address(target)} was not made: {tls.Message}",
                NotVerified(target)),
            { InnerException: IOException and not FileNotFoundException and var closed }
                when TargetCertificates.ClientFile(target) is { } file => (
                PgErrorCode.ConnectionFailed,
                $"{Address(target)} ended the connection when it was shown the certificate {file}: "
                    + (closed.InnerException ?? closed).Message,
                $"The server trusts the authorities in its ssl_ca_file: openssl x509 -noout -issuer -dates -in '{file}' says who signed "
                    + "the certificate. Certificates between both follow it in the same file. The server's log names the reason."),
            _ => (
                PgErrorCode.ConnectionFailed,
                $"Cannot connect to {target}: {error.Message}",
                OpenPasswordFile(target) ?? (target is { HasPassword: false, PasswordStayedBehind: true }
                    ? NoPassword(target)
                    : "Test-PgTarget checks the steps of a connection one by one.")),
        };
        return new PgOpsException(code, new Redaction(target).Apply(problem), NotConnected, next, error)
        {
            Subject = target,
            IsUnconnected = true,
        };
    }

    /// <summary>A statement failed for a reason that is not the user's script.</summary>
    internal static PgOpsException Working(PgTarget target, Exception error, string doing, string? state = null)
    {
        if (error is PostgresException server)
        {
            var code = server.SqlState switch
            {
                PostgresErrorCodes.InsufficientPrivilege => PgErrorCode.PermissionDenied,
                PostgresErrorCodes.DiskFull => PgErrorCode.DiskFull,
                _ when IsLost(error) => PgErrorCode.ConnectionLost,
                _ => PgErrorCode.StatementFailed,
            };
            var detail = server.Detail is null ? "" : $" ({server.Detail})";
            return new PgOpsException(
                code,
                $"{target}: {doing} failed: {server.SqlState} {server.MessageText}{detail}",
                state,
                IsStandbyConflict(server) ? StandbyConflict : code switch
                {
                    PgErrorCode.PermissionDenied => $"Grant the role \"{target.Username}\" what it lacks, or use another role.",
                    PgErrorCode.DiskFull => "Make room on the server's disk, then run the command again.",
                    PgErrorCode.ConnectionLost =>
                        "The server or a person ended the session: look into the server's log, then run the command again.",
                    _ => server.SqlState == PostgresErrorCodes.OutOfMemory && UncodedMessages.IsOutOfLocks(server.Hint)
                        ? MoreLocks
                        : server.Hint,
                },
                error)
            { Subject = target, Statement = Statement(server) };
        }

        return new PgOpsException(
            IsLost(error) ? PgErrorCode.ConnectionLost : PgErrorCode.Unknown,
            new Redaction(target).Apply($"{target}: {doing} failed: {error.Message}"),
            state ?? (IsLost(error) ? null : "Nothing more was done after it."),
            IsLost(error) ? "Check the server's log, then run the command again."
                : "Run the command again with -Verbose; its last lines tell where it was.",
            error)
        { Subject = target };
    }

    /// <summary>
    /// Whether the session is gone, so that nothing more can be said on it. A server's word is told by its severity: after FATAL and
    /// PANIC it has closed the session, whatever the SQLSTATE; after an ERROR it has not, whatever a script or a foreign server put
    /// into it.
    /// </summary>
    internal static bool IsLost(Exception error) => error switch
    {
        PostgresException server => server.InvariantSeverity is "FATAL" or "PANIC",
        NpgsqlException { InnerException: IOException or SocketException or ObjectDisposedException } => true,
        IOException or SocketException or ObjectDisposedException => true,
        _ => false,
    };

    /// <summary>
    /// Whether a standby ended the statement or the session for what it replays; a 40001 of one's own comes from elsewhere.
    /// </summary>
    private static bool IsStandbyConflict(PostgresException server)
        => server.SqlState == PostgresErrorCodes.SerializationFailure
            && server.Routine is "ProcessInterrupts" or "ProcessRecoveryConflictInterrupt";

    private static PgStatementError Statement(PostgresException server) => new()
    {
        Sql = server.InternalQuery ?? "",
        SqlState = server.SqlState,
        Message = server.MessageText,
        Detail = server.Detail,
        Hint = server.Hint,
        Where = server.Where,
    };

    private static (PgErrorCode Code, string Problem, string Next) Refused(PgTarget target, PostgresException server)
    {
        var said = $"{Address(target)} refused the connection: {server.SqlState} {server.MessageText}";
        return server.SqlState switch
        {
            PostgresErrorCodes.InvalidAuthorizationSpecification when target.SslMode == PgSslMode.Disable => (
                PgErrorCode.PermissionDenied,
                said,
                "The server may take encrypted connections only: "
                    + "give sslmode=require, or verify-full. Else check the role and pg_hba.conf."),
            PostgresErrorCodes.InvalidAuthorizationSpecification
                when !target.HasPassword && TargetCertificates.Encrypts(target) && OpenPasswordFile(target) is null => (
                PgErrorCode.PermissionDenied,
                said,
                TargetCertificates.ClientFile(target) is { } shown
                    ? $"The certificate that was shown is {shown}. Check that pg_hba.conf lets in who it names "
                        + $"(openssl x509 -noout -subject -in '{shown}')."
                    : "No certificate was shown: where pg_hba.conf asks for one, give sslcert and sslkey. Else check the role and "
                        + "pg_hba.conf."),
            PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification => (
                PgErrorCode.PermissionDenied,
                said,
                OpenPasswordFile(target) ?? (target.HasPassword
                    ? "Check the role and its password (-Credential, the URI, PGPASSWORD or the password file) and pg_hba.conf."
                    : NoPassword(target))),
            PostgresErrorCodes.InvalidCatalogName => (
                PgErrorCode.ConnectionFailed, said, "Create the database first, or correct its name (psql -l lists them)."),
            PostgresErrorCodes.TooManyConnections => (
                PgErrorCode.ConnectionFailed, said, "Wait until connections are free, or raise the limit that this names: "
                    + "max_connections, or ALTER ROLE or ALTER DATABASE … CONNECTION LIMIT."),
            PostgresErrorCodes.ProtocolViolation => (
                PgErrorCode.PoolerDetected,
                said,
                "A pooler seems to stand in between. Give the server's own address (with Prisma: DIRECT_URL)."),
            _ => (PgErrorCode.ConnectionFailed, said, server.Hint ?? "The server's log holds the reason."),
        };
    }

    private static string NotVerified(PgTarget target)
    {
        var by = TargetCertificates.RootFile(target) is { } root
            ? $"It is verified by {root} (sslrootcert; "
                + $"openssl s_client -starttls postgres -connect {Address(target)} -CAfile '{root}' shows both)."
            : "It is verified by the authorities that this machine trusts; sslrootcert names another.";
        return target.SslMode == PgSslMode.VerifyFull
            ? $"{by} verify-full also needs {target.Host} to be a host name of the certificate."
            : by;
    }

    private static string? OpenPasswordFile(PgTarget target) => TargetCertificates.IgnoredPasswordFile(target) is { } ignored
        ? $"The password file {ignored} is not read, for others may read it, too: chmod 600 '{ignored}'."
        : null;

    private static string NoPassword(PgTarget target) => target.PasswordStayedBehind
        ? "The target's password did not come along: files, JSON and jobs do not carry it. "
            + "Give it with -Credential, PGPASSWORD or a password file."
        : "No password was given: use -Credential, the URI, PGPASSWORD or a password file.";

    private static string Address(PgTarget target) => $"{target.Host}:{target.Port}";
}
