using PgOps.Core.Tests.Peers;
using PgOps.Core.Tests.Sandbox;

namespace PgOps.Core.Tests.Backups;

/// <summary>A test that needs PostgreSQL's programs and age.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class AgeFactAttribute() : PeerFactAttribute(MissingParts)
{
    internal static string? MissingParts => Peer.MissingProgram("age-keygen") ?? PostgresAvailability.Missing;
}

/// <summary>A theory that needs PostgreSQL's programs and age.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class AgeTheoryAttribute() : PeerTheoryAttribute(AgeFactAttribute.MissingParts);
