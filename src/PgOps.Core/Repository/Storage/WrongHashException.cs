namespace PgOps.Core.Repository.Storage;

/// <summary>A file that was read does not have the hash that it should have.</summary>
/// <param name="name">The file.</param>
internal sealed class WrongHashException(string name) : Exception($"{name} does not have the hash that it should have.")
{
    /// <summary>The file.</summary>
    internal string Name { get; } = name;
}
