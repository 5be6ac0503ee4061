namespace PgOps.Core.Common.Files;

/// <summary>Endings of names that say how far something on disk has come.</summary>
internal static class FileEndings
{
    /// <summary>It is being written, or what wrote it was interrupted.</summary>
    internal const string Partial = ".partial";

    /// <summary>It is being removed, or its removal was interrupted; in a store, the name of a file in it.</summary>
    internal const string Removing = ".removing";
}
