using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using PgOps.Core.Backups;
using PgOps.Core.Migrations.Locking;
using PgOps.Core.Migrations.Running;
using PgOps.Core.Migrations.Scripts;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Reports;
using PgOps.Core.Repository;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Reports;

public sealed class LogLineTests
{
    private const string Secret = "hunter2-geheim";

    [Fact]
    public void A_line_keeps_the_event_and_its_values_typed_beside_the_message()
    {
        var line = Said(log => log.ResetEndedSession(TargetParser.Parse("postgresql://ann@db/shop"), "psql of ann"));
        Assert.Equal(5407, line.GetProperty("eventId").GetInt32());
        Assert.Equal("ResetEndedSession", line.GetProperty("eventName").GetString());
        Assert.Equal("Warning", line.GetProperty("level").GetString());
        var target = TargetParser.Parse("postgresql://ann@db/shop").ToString();
        Assert.Equal($"Ended a session in {target}: psql of ann", line.GetProperty("message").GetString());
        Assert.Equal(target, line.GetProperty("values").GetProperty("target").GetString());
        Assert.Equal("psql of ann", line.GetProperty("values").GetProperty("session").GetString());
        Assert.Equal(["target", "session"], line.GetProperty("values").EnumerateObject().Select(value => value.Name));
    }

    [Fact]
    public void Numbers_and_times_stay_numbers()
    {
        var line = Said(log => log.BackupCopied("shop_1", "2.0 KiB", "1.5 s", "0 B", 2048, TimeSpan.FromSeconds(1.5), 0));
        Assert.Equal("shop_1: 2.0 KiB copied in 1.5 s, 0 B were there already.", line.GetProperty("message").GetString());
        var values = line.GetProperty("values");
        Assert.Equal(2048, values.GetProperty("movedBytes").GetInt64());
        Assert.Equal(1.5, values.GetProperty("duration").GetDouble());
    }

    [Fact]
    public void No_secret_stands_in_the_message_or_in_a_value()
    {
        foreach (var secret in new[]
        {
            $"postgresql://ann:{Secret}@db/shop",
            $"Host=db;Password={Secret}",
            $"ALTER ROLE ann PASSWORD '{Secret}'",
        })
        {
            var text = Line(log => log.ServerNotice(LogLevel.Warning, "WARNING", secret));
            Assert.DoesNotContain(Secret, text, StringComparison.Ordinal);
            var value = JsonDocument.Parse(text).RootElement.GetProperty("values").GetProperty("message").GetString();
            Assert.Contains(Redaction.Mask, value, StringComparison.Ordinal);
        }

        Assert.DoesNotContain(
            Secret,
            Line(log => log.Connected(TargetParser.Parse($"postgresql://ann:{Secret}@db/shop"), "17", 1)),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("de-DE")]
    [InlineData("en-US")]
    public void The_text_is_the_same_in_every_culture(string culture)
    {
        var before = Thread.CurrentThread.CurrentCulture;
        try
        {
            Thread.CurrentThread.CurrentCulture = new CultureInfo(culture);
            var sink = new CollectingSink();
            sink.FingerprintTook(PgFingerprintDepth.Source, 1.5, 12.25, 0, 3);
            sink.TableFingerprintTook(0.0625, "public", "order");
            sink.LockRetried(
                new MigrationFile("001", "a", "001_a.sql"), "55P03", "canceling statement due to lock timeout", "psql", 2, 6,
                TimeSpan.FromSeconds(12.5));
            Assert.Equal(
                [
                    "The fingerprint (Source) took 1.50 s of 12.25 s beside pg_dump and 0.00 s after it, tables: 3.",
                    "     0.063 s  public.order",
                    "001_a: 55P03 canceling statement due to lock timeout; held by psql. Attempt 2 of 6 in 12.5 s.",
                ],
                sink.Lines.Select(line => line.Text));
        }
        finally
        {
            Thread.CurrentThread.CurrentCulture = before;
        }
    }

    private static JsonElement Said(Action<ILogger> say) => JsonDocument.Parse(Line(say)).RootElement;

    private static string Line(Action<ILogger> say)
    {
        var log = new LineLogger();
        say(log);
        return Assert.Single(log.Lines);
    }

    private sealed class LineLogger : ILogger
    {
        internal List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add(Encoding.UTF8.GetString(
                LogLine.Write(DateTime.UtcNow, logLevel, "Test-It", eventId, formatter(state, exception), state)));
    }
}
