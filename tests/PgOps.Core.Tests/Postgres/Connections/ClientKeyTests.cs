using System.Security.Cryptography;
using PgOps.Core.Postgres.Connections;
using PgOps.Core.Tests.Support;

namespace PgOps.Core.Tests.Postgres.Connections;

/// <summary>One key in the forms that OpenSSL 3.0 wrote it in; the password is "kp".</summary>
public sealed class ClientKeyTests : IDisposable
{
    private const string PublicKey = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1PCO0lBw8yhjeQ1suwXyuAk3caWDLJVe5erkLvBp+WI1iDsg9Se4"
        + "rS/bnm8k+RZ+C3kmGwUPKztzhNNvmAsnhg==";

    private const string Aes = """
        -----BEGIN EC PRIVATE KEY-----
        Proc-Type: 4,ENCRYPTED
        DEK-Info: AES-256-CBC,5B817EF239AAD2D8EA9655105659C91E

        XG1fw4ryoUQfHTJhfGC1zzqz/uT5vZ9/cqh78UxEXuLsXP2kzO9cZLLZMMInNMJY
        t5StdCoWhc5trPtvESN7ig842RSkdB2imKehmqboHyPQU0nHfeowpdtsm/sjCdTt
        P1FpaHCaC+Pn4+HAviu/yODIr4OvkV/5e/KS35ymRus=
        -----END EC PRIVATE KEY-----
        """;

    private const string TripleDes = """
        -----BEGIN EC PRIVATE KEY-----
        Proc-Type: 4,ENCRYPTED
        DEK-Info: DES-EDE3-CBC,BCFB9B92453F96FD

        +rfuLM0LntSoCDzuXO0GRxdi/CEdoi+xo80cN/qsg+3xAypYXPKnfvpZxZeXDlZO
        lNcVxukMze4nVvasMMQq4Qza+qjwin2ooTriPFj0bdC34QH+udLTQ9wcAsz8zUFJ
        mVFylbF4ht20ietv1GcBsus3M6lI4T2KrY6kZebo2Xg=
        -----END EC PRIVATE KEY-----
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(Aes)]
    [InlineData(TripleDes)]
    public void A_key_that_OpenSSL_encrypted_in_its_old_way_opens_with_the_password(string pem)
    {
        var file = Write(bytes: System.Text.Encoding.ASCII.GetBytes(pem));

        using var key = new ClientKey(file, "kp").Read(ECDsa.Create);
        var wrong = Refused(() => new ClientKey(file, "other").Read(ECDsa.Create));
        var without = Refused(() => new ClientKey(file, null).Read(ECDsa.Create));

        Assert.Equal(PublicKey, Convert.ToBase64String(key.ExportSubjectPublicKeyInfo()));
        Assert.StartsWith($"sslkey: {file} does not open with the sslpassword", wrong.Problem, StringComparison.Ordinal);
        Assert.Equal($"sslkey: {file} is encrypted, and no sslpassword was given.", without.Problem);
        Assert.Contains($"openssl pkey -in '{file}' -out '{file}.open'; chmod 600 '{file}.open'", without.NextStep,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_in_DER_is_taken_by_each_of_its_standards()
    {
        using var key = new ClientKey(Write(System.Text.Encoding.ASCII.GetBytes(Aes)), "kp").Read(ECDsa.Create);
        using var rsa = RSA.Create(1024);

        foreach (var der in new[] { key.ExportPkcs8PrivateKey(), key.ExportECPrivateKey() })
        {
            using var read = new ClientKey(Write(der), null).Read(ECDsa.Create);
            Assert.Equal(PublicKey, Convert.ToBase64String(read.ExportSubjectPublicKeyInfo()));
        }

        foreach (var der in new[] { rsa.ExportPkcs8PrivateKey(), rsa.ExportRSAPrivateKey() })
        {
            using var read = new ClientKey(Write(der), "not needed").Read(RSA.Create);
            Assert.Equal(rsa.ExportSubjectPublicKeyInfo(), read.ExportSubjectPublicKeyInfo());
        }

        var other = Write(rsa.ExportPkcs8PrivateKey());
        Assert.Contains(
            $"{other} is not a key of the certificate's kind",
            Refused(() => new ClientKey(other, null).Read(ECDsa.Create)).Problem,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0600", true)]
    [InlineData("0400", true)]
    [InlineData("0640", null)]
    [InlineData("0644", false)]
    [InlineData("0660", false)]
    [InlineData("0601", false)]
    public void A_key_that_others_may_read_is_not_taken(string mode, bool? taken)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var file = Write(System.Text.Encoding.ASCII.GetBytes(Aes));
        File.SetUnixFileMode(file, (UnixFileMode)Convert.ToInt32(mode, 8));

        // What is root's may be read by its group; a file of a test's is root's when root runs it.
        Assert.True(ClientKey.IsRoots("/"));
        Assert.Equal(Environment.UserName == "root", ClientKey.IsRoots(file));
        if (taken ?? ClientKey.IsRoots(file))
        {
            new ClientKey(file, "kp").Read(ECDsa.Create).Dispose();
            return;
        }

        var error = Refused(() => new ClientKey(file, "kp").Read(ECDsa.Create));
        Assert.Contains($"{file} is open to others ({mode[1..]})", error.Problem, StringComparison.Ordinal);
        Assert.StartsWith($"chmod 600 '{file}'", error.NextStep, StringComparison.Ordinal);
    }

    private static PgOpsException Refused(Action read)
    {
        var error = Assert.Throws<PgOpsException>(read);
        Assert.Equal(PgErrorCode.TargetInvalid, error.Code);
        return error;
    }

    private string Write(byte[] bytes)
    {
        var file = Path.Combine(_folder.Path, Guid.NewGuid().ToString("N"));
        File.WriteAllBytes(file, bytes);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        return file;
    }
}
