namespace PgOps.Core.Common.Operations;

/// <summary>The version of this PgOps, as histories and manifests record it.</summary>
internal static class PgOpsVersion
{
    /// <summary>For example 0.1.0.</summary>
    public static string Current { get; } = typeof(PgOpsVersion).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";
}
