using System.Management.Automation;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>Puts a PSCredential into a target.</summary>
internal static class Credentials
{
    internal static PgTarget Apply(PgTarget target, PSCredential? credential)
    {
        if (credential is null || credential == PSCredential.Empty)
        {
            return target;
        }

        var login = credential.GetNetworkCredential();
        return (target with { Username = credential.UserName }).WithPassword(new PgSecret(login.Password));
    }

    /// <summary>The given targets or the environment's, with the credential applied.</summary>
    /// <param name="targets">Null for the environment's; a null in it is a backup that knows no target.</param>
    /// <param name="credential">The credential, if there is one.</param>
    /// <returns>At least one target.</returns>
    internal static List<PgTarget> ForEach(PgTarget?[]? targets, PSCredential? credential)
        => [.. (targets ?? [null]).Select(target => Apply(target ?? TargetParser.FromEnvironment(), credential))];
}
