using System.Management.Automation;

namespace PgOps.Cmdlets.Pipeline;

/// <summary>Base of the cmdlets that read a backup's payload, which may be encrypted.</summary>
public abstract class PgPayloadCmdlet : PgSignedCmdlet
{
    /// <summary>
    /// The identity file that decrypts a backup made with -Recipient for age: one that age-keygen wrote, or an SSH private key, without
    /// a passphrase. gpg takes its keys from its own keyring.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Identity { get; set; }

    /// <summary>The identity file's full path.</summary>
    private protected string? IdentityPath => Identity is null ? null : FullPath(Identity);
}
