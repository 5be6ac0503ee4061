using System.Text.Json;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Tests.Postgres.Connections;

/// <summary>A secret shows in no text form of a target.</summary>
public sealed class TargetSecrecyTests
{
    private static readonly PgTarget Target =
        TargetParser.Parse("postgresql://ann:s3cret@db1:5433/shop?sslpassword=k3ysecret") with { Name = "eu" };

    public static TheoryData<string> Texts => new()
    {
        Target.ToString(),
        $"{Target with { Name = "" }}",
        (Target with { Host = "/run/pg" }).ToString(),
        JsonSerializer.Serialize(Target),
        JsonSerializer.Serialize(new { Target, Target.HasPassword }),
        new PgMigrationRun { Target = Target }.ToString(),
        JsonSerializer.Serialize(new PgMigrationRun { Target = Target }),
        new PgTargetTest { Target = Target }.ToString(),
        new PgSecret("s3cret").ToString(),
        JsonSerializer.Serialize(new PgSecret("s3cret")),
        string.Join(' ', typeof(PgTarget).GetProperties().Select(property => property.GetValue(Target))),
    };

    [Theory]
    [MemberData(nameof(Texts))]
    public void No_text_form_shows_one(string text)
    {
        Assert.DoesNotContain("s3cret", text, StringComparison.Ordinal);
        Assert.DoesNotContain("k3ysecret", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_target_names_itself_by_label_database_host_and_port()
    {
        Assert.Equal("eu (shop@db1:5433)", Target.ToString());
        Assert.Equal("shop@db1:5433", (Target with { Name = "" }).ToString());
        Assert.Equal("shop@eu", (Target with { Host = "/run/pg" }).ToString());
    }

    [Fact]
    public void Copies_keep_the_password_and_equality_sees_it()
    {
        Assert.Equal("s3cret", Target.WithDatabase("other").Password?.Reveal());
        Assert.NotEqual(Target, Target.WithPassword(new PgSecret("other")));
        Assert.Equal(Target, Target with { });
    }
}
