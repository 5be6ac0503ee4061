namespace PgOps.Core.Sql;

/// <summary>A statement that begins, ends or divides a transaction.</summary>
internal enum TransactionCommand
{
    /// <summary>No transaction command.</summary>
    None,

    /// <summary>BEGIN or START TRANSACTION.</summary>
    Begin,

    /// <summary>COMMIT or END.</summary>
    Commit,

    /// <summary>ROLLBACK or ABORT of the whole transaction.</summary>
    Rollback,

    /// <summary>SAVEPOINT.</summary>
    Savepoint,

    /// <summary>RELEASE SAVEPOINT.</summary>
    Release,

    /// <summary>ROLLBACK TO SAVEPOINT.</summary>
    RollbackTo,

    /// <summary>PREPARE TRANSACTION.</summary>
    PrepareTransaction,
}
