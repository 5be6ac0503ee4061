using System.Text;
using PgOps.Core.Repository.Archives;

namespace PgOps.Core.Tests.Repository.Archives;

public sealed class DumpScriptTests
{
    private const string Head =
        "--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 15.18 (Debian)\n-- Dumped by pg_dump version 16.2\n\n";
    private const string Tail = "--\n-- PostgreSQL database dump complete\n--\n";

    [Theory]
    [InlineData("SELECT '\n\\connect x\n';\n")]
    [InlineData("SELECT E'\\'\n\\connect x\n';\n")]
    [InlineData("SELECT $$\n\\! rm\n$$, $a$ $b $ $$ $b$\n\\connect x\n$a$;\n")]
    [InlineData("SELECT \"\n\\c \";\n")]
    [InlineData("/* \n\\c x\n */ SELECT 1; -- \\c x\n")]
    [InlineData("COPY public.t (a, b) FROM stdin;\n\\N\t1\n\\connect x\nCREATE DATABASE y;\n\\.x\nx\\.\n\\.\n")]
    [InlineData("SELECT $1, a$b$c, 'x'; SELECT '$$';\n")]
    [InlineData("\\restrict abc\nSELECT 1;\n\\unrestrict abc\n")]
    [InlineData("SELECT 'CREATE DATABASE x;\nCREATE DATABASE y;';\n")]
    public void What_only_looks_like_a_command_is_none(string body)
    {
        foreach (var piece in new[] { 1, 3, 7, 1 << 20 })
        {
            var script = Read(Head + body + Tail, piece);
            Assert.Null(script.Obstacle);
            Assert.True(script.HasHead && script.HasEnd, $"in pieces of {piece}");
        }
    }

    [Theory]
    [InlineData("\\connect x\n", "connects to a database")]
    [InlineData("\\c x\n", "connects to a database")]
    [InlineData("SELECT 1 \\! rm -rf\n;\n", "psql command \\!")]
    [InlineData("SELECT $$ a $$ \\copy t from x\n", "psql command \\copy")]
    [InlineData("SELECT 'a\\' \\! rm\n;\n", "psql command \\!")]
    [InlineData("COPY t FROM stdin;\n\\.\n\\i /etc/passwd\n", "psql command \\i")]
    [InlineData("COPY t FROM stdin; \\i /etc/passwd\n\\.\n", "psql command \\i")]
    [InlineData("COPY t FROM stdin;\n\\.\r\n\\i /etc/passwd\r\n", "psql command \\i")]
    [InlineData("-- a\r\\i /etc/passwd\n", "psql command \\i")]
    [InlineData("SET standard_conforming_strings = off;\nSELECT '\\' \\! rm\n' \\i x\n", "psql command \\i")]
    [InlineData("create database shop;\n", "CREATE DATABASE in line 8")]
    [InlineData("CREATE DATABASE shop WITH TEMPLATE = template0;\n", "CREATE DATABASE in line 8")]
    [InlineData("-- PostgreSQL database cluster dump\n", "pg_dumpall")]
    public void What_would_lead_psql_elsewhere_is_found(string body, string said)
        => Assert.Contains(said, Read(Head + body + Tail, 5).Obstacle, StringComparison.Ordinal);

    [Fact]
    public void A_command_in_a_last_line_without_an_end_is_found()
        => Assert.Contains("psql command \\!", Read(Head + Tail + "\\! rm", 5).Obstacle, StringComparison.Ordinal);

    [Fact]
    public void Versions_roles_extensions_and_tables_are_read()
    {
        var script = Read(
            Head + """"
                SET client_encoding = 'LATIN1';
                -- Name: pgcrypto; Type: EXTENSION; Schema: -; Owner: -
                CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA public;
                -- Name: t; Type: TABLE; Schema: public; Owner: the owner; Tablespace: fast
                CREATE TABLE public.t (a int);
                -- Name: TABLE t; Type: ACL; Schema: public; Owner: the owner
                GRANT SELECT ON TABLE public.t TO "a ""reader""";
                GRANT ALL ON TABLE public.t TO writer WITH GRANT OPTION;
                CREATE POLICY half ON public.t TO clerk, boss USING ((a > 2));
                -- Data for Name: t; Type: TABLE DATA; Schema: public; Owner: the owner
                COPY public.t (a) FROM stdin;
                1
                \.

                """" + Tail,
            11);
        var manifest =
            script.Assume(new PgBackup { Id = "", Database = "shop", Path = "/x", Format = "plain", SnapshotAt = DateTime.UtcNow });
        Assert.Equal(["a \"reader\"", "boss", "clerk", "the owner", "writer"], manifest.Facts.Roles);
        Assert.Equal(["pgcrypto"], manifest.Facts.Extensions.Keys);
        Assert.Equal(
            ("LATIN1", 150000, "pg_dump (PostgreSQL) 16.2", ""),
            (manifest.Facts.Encoding, manifest.Server.VersionNumber, manifest.Payload.Tool, manifest.Facts.LocaleProvider));
        Assert.Equal(1, script.TableCount);
        Assert.True(script.FitsOneTransaction);
        Assert.False(Read(Head + "BEGIN;\nCOMMIT;\n" + Tail, 9).FitsOneTransaction);
    }

    [Fact]
    public void A_script_that_ends_inside_of_something_has_no_end()
    {
        Assert.False(Read(Head + "SELECT 1;\n", 9).HasEnd);
        Assert.False(Read(Head + "SELECT 'x\n" + Tail, 9).HasEnd);
        Assert.False(Read(Head + "COPY t FROM stdin;\n1\n" + Tail, 9).HasEnd);
        Assert.False(Read("SELECT 1;\n" + Tail, 9).HasHead);
    }

    private static DumpScript Read(string text, int piece)
    {
        var script = new DumpScript();
        var bytes = Encoding.UTF8.GetBytes(text);
        for (var at = 0; at < bytes.Length; at += piece)
        {
            script.Add(bytes.AsSpan(at, Math.Min(piece, bytes.Length - at)));
        }

        script.Complete();
        return script;
    }
}
