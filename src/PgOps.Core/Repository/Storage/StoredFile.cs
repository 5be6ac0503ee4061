namespace PgOps.Core.Repository.Storage;

/// <summary>A file as a store lists it.</summary>
/// <param name="Name">Path below the folder that was listed, with forward slashes.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Modified">When it was written, in UTC.</param>
internal sealed record StoredFile(string Name, long Bytes, DateTime Modified);
