namespace PgOps.Core.Connections;

/// <summary>A target that was read from an object's properties or a file's columns.</summary>
/// <param name="Target">The target.</param>
/// <param name="PassedOver">The names that have nothing to do with a target.</param>
/// <param name="NamesServer">Whether one of them says which server; otherwise the environment does, or it is the local one.</param>
public sealed record TargetRecord(PgTarget Target, IReadOnlyList<string> PassedOver, bool NamesServer);
