using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using PgOps.Core.Postgres.ClientTools;

namespace PgOps.Core.Postgres.Sandbox;

/// <summary>The Unix user that a sandbox's processes run as: the caller, or another one when the caller is root.</summary>
internal sealed partial record SandboxAccount
{
    private static readonly string[] Candidates = ["postgres", "nobody"];

    private SandboxAccount(string name, bool isOther, uint userId = 0, uint groupId = 0)
    {
        Name = name;
        IsOther = isOther;
        UserId = userId;
        GroupId = groupId;
    }

    /// <summary>The user's name.</summary>
    internal string Name { get; }

    /// <summary>Whether it is another user than the caller, who is root then.</summary>
    internal bool IsOther { get; }

    private uint UserId { get; }

    private uint GroupId { get; }

    /// <summary>Decides who runs the sandbox.</summary>
    /// <exception cref="PgOpsException"><see cref="PgErrorCode.SandboxFailed"/> when root has nobody to hand it to.</exception>
    internal static SandboxAccount Current()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return new SandboxAccount(Environment.UserName, isOther: false);
        }

        if (ProgramSearch.OnPath("setpriv") is null)
        {
            throw new PgOpsException(
                PgErrorCode.SandboxFailed,
                "PostgreSQL does not run as root, and setpriv, which would start it as another user, is not installed.",
                nextStep: "Install util-linux (apt-get install util-linux; "
                    + "dnf install util-linux; apk add setpriv), or run as a normal user.");
        }

        var users = File.ReadLines("/etc/passwd").Select(line => line.Split(':')).Where(fields => fields.Length >= 4).ToList();
        foreach (var candidate in Candidates)
        {
            if (users.Find(fields => fields[0] == candidate) is { } user)
            {
                return new SandboxAccount(candidate, isOther: true, Number(user[2]), Number(user[3]));
            }
        }

        throw new PgOpsException(
            PgErrorCode.SandboxFailed,
            "PostgreSQL does not run as root, and there is neither a user postgres nor nobody to run it as.",
            nextStep: "Create one (useradd --system postgres), or run as a normal user.");

        static uint Number(string text) => uint.Parse(text, CultureInfo.InvariantCulture);
    }

    /// <summary>A command that runs as this user, in a folder that every user may enter.</summary>
    internal ToolCommand Command(string program, params string[] arguments)
    {
        string[] words = [.. Prefix(), program, .. arguments];
        return new ToolCommand(words[0], words[1..]) { WorkingDirectory = "/" };
    }

    /// <summary>What to put before a program to run it as this user.</summary>
    internal string[] Prefix() => IsOther
        ? [ProgramSearch.OnPath("setpriv") ?? "setpriv", "--reuid", Text(UserId), "--regid", Text(GroupId), "--clear-groups"]
        : [];

    /// <summary>Makes a private folder of this user's where there is none.</summary>
    [UnsupportedOSPlatform("windows")]
    internal void MakeFolder(string path)
    {
        const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        if (!IsOther)
        {
            Directory.CreateDirectory(path, Private);
            return;
        }

        // Under its own name only when it belongs to the other user: another process may wait for it to appear.
        Directory.CreateDirectory(Path.GetDirectoryName(path) ?? "/");
        var unnamed = $"{path}.{Guid.NewGuid():N}";
        Directory.CreateDirectory(unnamed, Private);
        try
        {
            if (ChangeOwner(unnamed, UserId, GroupId) != 0)
            {
                throw new IOException($"it cannot be given to {Name}.");
            }

            Directory.Move(unnamed, path);
        }
        catch (IOException) when (Directory.Exists(path))
        {
            Directory.Delete(unnamed);
        }
        catch (IOException)
        {
            Directory.Delete(unnamed);
            throw;
        }
    }

    private static string Text(uint number) => number.ToString(CultureInfo.InvariantCulture);

    [LibraryImport("libc", EntryPoint = "lchown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeOwner(string path, uint userId, uint groupId);
}
