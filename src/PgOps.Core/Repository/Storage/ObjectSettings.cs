using Amazon.S3;
using Amazon.S3.Model;

namespace PgOps.Core.Repository.Storage;

/// <summary>What every new object gets.</summary>
/// <param name="Encryption">Encryption at the service; null leaves it to the bucket.</param>
/// <param name="KeyId">Id of the KMS key.</param>
/// <param name="LockMode">Mode of the object lock.</param>
/// <param name="RetainUntil">End of the lock, in UTC.</param>
internal sealed record ObjectSettings(
    ServerSideEncryptionMethod? Encryption, string? KeyId, ObjectLockMode? LockMode, DateTime? RetainUntil)
{
    internal void Apply(PutObjectRequest request)
    {
        request.ServerSideEncryptionMethod = Encryption;
        request.ServerSideEncryptionKeyManagementServiceKeyId = KeyId;
        request.ObjectLockMode = LockMode;
        request.ObjectLockRetainUntilDate = RetainUntil;
    }

    internal void Apply(InitiateMultipartUploadRequest request)
    {
        request.ServerSideEncryptionMethod = Encryption;
        request.ServerSideEncryptionKeyManagementServiceKeyId = KeyId;
        request.ObjectLockMode = LockMode;
        request.ObjectLockRetainUntilDate = RetainUntil;
    }
}
