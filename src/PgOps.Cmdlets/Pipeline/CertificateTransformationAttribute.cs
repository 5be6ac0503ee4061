using System.Management.Automation;
using System.Security.Cryptography.X509Certificates;
using PgOps.Core.Repository.Signing;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>Lets -SigningCertificate take a file or a thumbprint as well as a certificate.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class CertificateTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        try
        {
            return (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) switch
            {
                X509Certificate2 certificate => certificate,
                FileInfo file => SigningCertificate.Load(file.FullName),
                string name => SigningCertificate.Load(Resolve(engineIntrinsics, name)),
                _ => throw new ArgumentTransformationMetadataException(
                    "That is not a certificate. Give one, or its file, or its thumbprint."),
            };
        }
        catch (PgOpsException error)
        {
            throw new ArgumentTransformationMetadataException(error.Message, error);
        }
    }

    private static string Resolve(EngineIntrinsics engine, string name)
        => engine.SessionState.Path.GetUnresolvedProviderPathFromPSPath(name) is var path && File.Exists(path) ? path : name;
}
