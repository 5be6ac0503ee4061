using Xunit.Abstractions;
using Xunit.Sdk;

namespace PgOps.Core.Tests.Peers;

/// <summary>
/// A test that needs something outside this repository. Where that is missing, the test is skipped with the reason; in CI (the variable
/// CI is set) it fails with it, because get-peers.sh has everything that such a machine can have.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
[XunitTestCaseDiscoverer("PgOps.Core.Tests.Peers.NeedsFactDiscoverer", "PgOps.Core.Tests")]
public class NeedsFactAttribute : FactAttribute
{
    /// <param name="missing">What is missing and how to get it; null when nothing is.</param>
    /// <param name="elsewhere">Why this machine cannot run the test at all, CI or not; null when it can.</param>
    public NeedsFactAttribute(string? missing, string? elsewhere = null)
    {
        Missing = elsewhere is null && Needs.Strict ? missing : null;
        Skip = elsewhere ?? (Needs.Strict ? null : missing);
    }

    /// <summary>What the test fails for, before it starts.</summary>
    public string? Missing { get; }
}

/// <summary>The same for a theory.</summary>
[AttributeUsage(AttributeTargets.Method)]
[XunitTestCaseDiscoverer("PgOps.Core.Tests.Peers.NeedsTheoryDiscoverer", "PgOps.Core.Tests")]
public class NeedsTheoryAttribute : TheoryAttribute
{
    /// <param name="missing">What is missing and how to get it; null when nothing is.</param>
    /// <param name="elsewhere">Why this machine cannot run the test at all, CI or not; null when it can.</param>
    public NeedsTheoryAttribute(string? missing, string? elsewhere = null)
    {
        Missing = elsewhere is null && Needs.Strict ? missing : null;
        Skip = elsewhere ?? (Needs.Strict ? null : missing);
    }

    /// <summary>What the test fails for, before it starts.</summary>
    public string? Missing { get; }
}

/// <summary>
/// A test that needs one of the peers that get-peers.sh gets. It belongs to the slow part, for the quick part begins before they are there.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
[TraitDiscoverer("PgOps.Core.Tests.Peers.SlowDiscoverer", "PgOps.Core.Tests")]
public class PeerFactAttribute(string? missing, string? elsewhere = null) : NeedsFactAttribute(missing, elsewhere), ITraitAttribute;

/// <summary>The same for a theory.</summary>
[AttributeUsage(AttributeTargets.Method)]
[TraitDiscoverer("PgOps.Core.Tests.Peers.SlowDiscoverer", "PgOps.Core.Tests")]
public class PeerTheoryAttribute(string? missing, string? elsewhere = null) : NeedsTheoryAttribute(missing, elsewhere), ITraitAttribute;

/// <summary>Puts a test into the slow part.</summary>
public sealed class SlowDiscoverer : ITraitDiscoverer
{
    /// <inheritdoc/>
    public IEnumerable<KeyValuePair<string, string>> GetTraits(IAttributeInfo traitAttribute) => [new("Category", "Slow")];
}

/// <summary>Finds facts; one whose need is missing in CI becomes a failure.</summary>
public sealed class NeedsFactDiscoverer(IMessageSink sink) : FactDiscoverer(sink)
{
    /// <inheritdoc/>
    public override IEnumerable<IXunitTestCase> Discover(
        ITestFrameworkDiscoveryOptions discoveryOptions, ITestMethod testMethod, IAttributeInfo factAttribute)
        => Needs.Failure(DiagnosticMessageSink, discoveryOptions, testMethod, factAttribute) is { } failure
            ? [failure]
            : base.Discover(discoveryOptions, testMethod, factAttribute);
}

/// <summary>Finds theories; one whose need is missing in CI becomes a failure.</summary>
public sealed class NeedsTheoryDiscoverer(IMessageSink sink) : TheoryDiscoverer(sink)
{
    /// <inheritdoc/>
    public override IEnumerable<IXunitTestCase> Discover(
        ITestFrameworkDiscoveryOptions discoveryOptions, ITestMethod testMethod, IAttributeInfo theoryAttribute)
        => Needs.Failure(DiagnosticMessageSink, discoveryOptions, testMethod, theoryAttribute) is { } failure
            ? [failure]
            : base.Discover(discoveryOptions, testMethod, theoryAttribute);
}

internal static class Needs
{
    /// <summary>Whether what is missing fails the tests that need it.</summary>
    internal static bool Strict { get; } = Environment.GetEnvironmentVariable("CI") is { Length: > 0 } and not "false";

    internal static IXunitTestCase? Failure(
        IMessageSink sink, ITestFrameworkDiscoveryOptions options, ITestMethod method, IAttributeInfo fact)
        => fact.GetNamedArgument<string>(nameof(NeedsFactAttribute.Missing)) is { } missing
            ? new ExecutionErrorTestCase(
                sink,
                options.MethodDisplayOrDefault(),
                options.MethodDisplayOptionsOrDefault(),
                method,
                $"Nothing may be missing in CI: {missing}")
            : null;
}
