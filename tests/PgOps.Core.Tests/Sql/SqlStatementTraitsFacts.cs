using PgOps.Core.Sql;

namespace PgOps.Core.Tests.Sql;

public sealed class SqlStatementTraitsFacts
{
    private static SqlStatement Only(string text) => Assert.Single(SqlScript.Parse(text).Statements);

    [Theory]
    [InlineData("CREATE DATABASE a")]
    [InlineData("drop database if exists a")]
    [InlineData("CREATE TABLESPACE a LOCATION '/a'")]
    [InlineData("DROP TABLESPACE a")]
    [InlineData("ALTER SYSTEM SET work_mem = 1")]
    [InlineData("VACUUM (ANALYZE) a")]
    [InlineData("create /* c */ unique index /* d */ concurrently a on b (c)")]
    [InlineData("CREATE INDEX CONCURRENTLY ON b (c)")]
    [InlineData("DROP INDEX CONCURRENTLY IF EXISTS a")]
    [InlineData("REINDEX INDEX CONCURRENTLY a")]
    [InlineData("REINDEX (VERBOSE, CONCURRENTLY) TABLE a")]
    [InlineData("REINDEX (CONCURRENTLY true) TABLE a")]
    [InlineData("REINDEX DATABASE a")]
    [InlineData("REINDEX (VERBOSE) SCHEMA a")]
    [InlineData("REINDEX SYSTEM")]
    [InlineData("ALTER TABLE IF EXISTS ONLY s.\"a b\" DETACH PARTITION s.p CONCURRENTLY")]
    [InlineData("CREATE SUBSCRIPTION a CONNECTION 'x' PUBLICATION p")]
    [InlineData("DROP SUBSCRIPTION a")]
    [InlineData("ALTER SUBSCRIPTION a REFRESH PUBLICATION")]
    [InlineData("ALTER SUBSCRIPTION a SET PUBLICATION p")]
    [InlineData("ALTER DATABASE a SET TABLESPACE b")]
    [InlineData("CLUSTER")]
    [InlineData("CLUSTER VERBOSE")]
    [InlineData("CLUSTER (VERBOSE)")]
    [InlineData("DISCARD ALL")]
    [InlineData("COMMIT PREPARED 'a'")]
    [InlineData("ROLLBACK PREPARED 'a'")]
    public void Refuses_a_transaction_block(string text) => Assert.True(SqlStatementTraits.RefusesTransactionBlock(Only(text)));

    [Theory]
    [InlineData("CREATE INDEX \"concurrently\" ON b (c)")]
    [InlineData("CREATE INDEX concurrently_a ON b (c)")]
    [InlineData("CREATE TABLE database (vacuum int)")]
    [InlineData("ALTER DATABASE a SET work_mem = 1")]
    [InlineData("ALTER TABLE a DETACH PARTITION p")]
    [InlineData("ALTER TABLE a DETACH PARTITION p FINALIZE")]
    [InlineData("REINDEX TABLE a")]
    [InlineData("REINDEX (CONCURRENTLY off) TABLE a")]
    [InlineData("CREATE SUBSCRIPTION a CONNECTION 'x' PUBLICATION p WITH (connect = false)")]
    [InlineData("CREATE SUBSCRIPTION a CONNECTION 'x' PUBLICATION p WITH (copy_data = false, create_slot = 'off')")]
    [InlineData("ALTER SUBSCRIPTION a SET PUBLICATION p WITH (refresh = false)")]
    [InlineData("ALTER SUBSCRIPTION a ENABLE")]
    [InlineData("CLUSTER a USING b")]
    [InlineData("CLUSTER (VERBOSE) a")]
    [InlineData("DISCARD PLANS")]
    [InlineData("ANALYZE")]
    public void Runs_in_a_transaction_block(string text) => Assert.False(SqlStatementTraits.RefusesTransactionBlock(Only(text)));

    [Theory]
    [InlineData("BEGIN ISOLATION LEVEL SERIALIZABLE", nameof(TransactionCommand.Begin))]
    [InlineData("START TRANSACTION", nameof(TransactionCommand.Begin))]
    [InlineData("COMMIT AND CHAIN", nameof(TransactionCommand.Commit))]
    [InlineData("end", nameof(TransactionCommand.Commit))]
    [InlineData("ROLLBACK", nameof(TransactionCommand.Rollback))]
    [InlineData("ABORT WORK", nameof(TransactionCommand.Rollback))]
    [InlineData("SAVEPOINT a", nameof(TransactionCommand.Savepoint))]
    [InlineData("RELEASE SAVEPOINT a", nameof(TransactionCommand.Release))]
    [InlineData("ROLLBACK WORK TO SAVEPOINT a", nameof(TransactionCommand.RollbackTo))]
    [InlineData("ROLLBACK TO a", nameof(TransactionCommand.RollbackTo))]
    [InlineData("PREPARE TRANSACTION 'a'", nameof(TransactionCommand.PrepareTransaction))]
    [InlineData("PREPARE transaction_a AS SELECT 1", nameof(TransactionCommand.None))]
    [InlineData("COMMIT PREPARED 'a'", nameof(TransactionCommand.None))]
    [InlineData("\"begin\"", nameof(TransactionCommand.None))]
    public void Transaction_commands_are_told_apart(string text, string expected)
    {
        Assert.Equal(expected, SqlStatementTraits.TransactionCommandOf(Only(text)).ToString());
    }

    [Fact]
    public void Only_databases_are_database_level()
    {
        Assert.True(SqlStatementTraits.IsDatabaseLevel(Only("Create Database a")));
        Assert.True(SqlStatementTraits.IsDatabaseLevel(Only("DROP DATABASE a")));
        Assert.False(SqlStatementTraits.IsDatabaseLevel(Only("ALTER DATABASE a SET b = c")));
    }

    [Fact]
    public void A_concurrent_index_is_named_as_the_catalog_names_it()
    {
        Assert.Equal(
            new ConcurrentIndex("Shop", "orders_idx", "or\"ders", IfNotExists: true),
            SqlStatementTraits.ConcurrentIndexOf(
                Only("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS Orders_Idx ON ONLY \"Shop\".\"or\"\"ders\" (a)")));
        Assert.Equal(
            new ConcurrentIndex(null, null, "tÄble", IfNotExists: false),
            SqlStatementTraits.ConcurrentIndexOf(Only("CREATE INDEX CONCURRENTLY ON TÄBLE (a)")));
        Assert.Null(SqlStatementTraits.ConcurrentIndexOf(Only("CREATE INDEX a ON b (c)")));
        Assert.Null(SqlStatementTraits.ConcurrentIndexOf(Only("DROP INDEX CONCURRENTLY a")));
    }

    [Theory]
    [InlineData("Abc", "abc")]
    [InlineData("\"A\"\"b\"", "A\"b")]
    [InlineData("U&\"d\\0061t\\+000061\\\\\"", "data\\")]
    [InlineData(
        "a234567890123456789012345678901234567890123456789012345678901ää",
        "a234567890123456789012345678901234567890123456789012345678901ä")]
    public void An_identifier_is_folded_and_cut_to_63_bytes(string token, string expected) =>
        Assert.Equal(expected, SqlIdentifier.ToName(token));
}
