using System.Management.Automation;

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
}
