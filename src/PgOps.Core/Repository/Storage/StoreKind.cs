namespace PgOps.Core.Repository.Storage;

/// <summary>What kind of place a URI names.</summary>
internal enum StoreKind
{
    /// <summary>A folder or share.</summary>
    Folder,

    /// <summary>A service that speaks S3.</summary>
    S3,

    /// <summary>Anything that rclone reaches.</summary>
    Rclone,
}
