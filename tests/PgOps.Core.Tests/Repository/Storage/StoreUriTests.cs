using PgOps.Core.Repository;
using PgOps.Core.Repository.Storage;

namespace PgOps.Core.Tests.Repository.Storage;

public sealed class StoreUriTests
{
    [Theory]
    [InlineData("s3://bucket/a/b?endpoint=http://127.0.0.1:9000&region=eu-central-1&sse=AES256", "bucket", "a/b")]
    [InlineData("s3://bucket", "bucket", "")]
    [InlineData("s3://bucket/with%20space", "bucket", "with space")]
    [InlineData("rclone:remote:a/b", "remote:", "a/b")]
    [InlineData("rclone:remote:", "remote:", "")]
    [InlineData("rclone:remote:/", "remote:", "/")]
    [InlineData("rclone::local:/tmp/x", ":local:", "/tmp/x")]
    [InlineData("rclone::sftp,host=h,key_file=/k,disable_hashcheck=true:x", ":sftp,host=h,key_file=/k,disable_hashcheck=true:", "x")]
    public void Places_are_understood_and_come_back_as_they_were(string text, string root, string path)
    {
        var uri = StoreUri.Parse(text);
        Assert.Equal((root, path), (uri.Root, uri.Path));
        Assert.Equal(uri.ToString(), StoreUri.Parse(uri.ToString()).ToString());
        Assert.Equal(uri.Options, StoreUri.Parse(uri.ToString()).Options);
        var child = uri.Child("shop_20260101-000000Z");
        Assert.Equal("shop_20260101-000000Z", child.Name);
        Assert.Equal(uri.ToString(), child.Parent!.ToString());
    }

    [Fact]
    public void Paths_and_file_uris_are_folders()
    {
        Assert.Equal(Path.GetFullPath("x"), StoreUri.Parse("x").Path);
        var path = Path.Combine(Path.GetTempPath(), "a b");
        Assert.Equal(path, StoreUri.Parse(new Uri(path).AbsoluteUri).Path);
    }

    [Theory]
    [InlineData("s3://AKIA:topsecret@bucket/x")]
    [InlineData("s3://bucket/x?secret_access_key=topsecret")]
    [InlineData("s3://bucket/x?token=topsecret")]
    [InlineData("s3://bucket/x?topsecret")]
    [InlineData("s3://bucket/x?endpoint=http://user:topsecret@host")]
    [InlineData("rclone::sftp,host=h,pass=topsecret:x")]
    [InlineData("rclone:remote,client_secret=\"topsecret:x\":y")]
    [InlineData("rclone::azureblob,sas_url=\"http://h/?sig=topsecret\":y")]
    [InlineData("rclone::http,url=\"http://me:topsecret@h\":y")]
    public void A_secret_is_refused_and_not_repeated(string text)
    {
        var error = Assert.Throws<PgOpsException>(() => StoreUri.Parse(text));
        Assert.Equal(PgErrorCode.StoreInvalid, error.Code);
        Assert.DoesNotContain("topsecret", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ftp://host/x")]
    [InlineData("s3://")]
    [InlineData("s3://b/x?unknown=1")]
    [InlineData("s3://bucket/x?endpoint=host:1")]
    [InlineData("rclone:no-colon")]
    [InlineData("rclone:--config=/x:y")]
    public void Nonsense_is_refused(string text)
        => Assert.Equal(PgErrorCode.StoreInvalid, Assert.Throws<PgOpsException>(() => StoreUri.Parse(text)).Code);

    [Theory]
    [InlineData("&sse=DES")]
    [InlineData("&ssekey=x")]
    [InlineData("&lock=GOVERNANCE")]
    [InlineData("&retain=30")]
    [InlineData("&lock=COMPLIANCE&retain=2001-01-01")]
    [InlineData("&pathstyle=perhaps")]
    public void Options_that_make_no_sense_are_refused_before_anything_is_sent(string options)
        => Assert.Equal(
            PgErrorCode.StoreInvalid,
            Assert.Throws<PgOpsException>(() => CopyBackup.RequireUsable(["s3://bucket/x?endpoint=http://127.0.0.1:1" + options])).Code);

    [Theory]
    [InlineData("../x")]
    [InlineData("a/../../x")]
    [InlineData("/etc/x")]
    [InlineData("a\\b")]
    [InlineData("c:x")]
    [InlineData("a\nb")]
    public void Names_that_lead_elsewhere_are_refused(string name)
        => Assert.Equal(
            PgErrorCode.BackupDamaged,
            Assert.Throws<PgOpsException>(() => FileNames.RefuseUnsafe(StoreUri.Parse("s3://bucket/x"), ["data/toc.dat", name])).Code);
}
