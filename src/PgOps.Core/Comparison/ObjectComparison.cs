using System.Globalization;
using PgOps.Core.Common.Text;
using PgOps.Core.Postgres.Catalog;
using PgOps.Core.Repository;

namespace PgOps.Core.Comparison;

/// <summary>Holds the schema objects of one database against those of another.</summary>
/// <param name="Checks">One check per group, see <see cref="Groups"/>.</param>
/// <param name="Differences">What differs, by kind and name.</param>
internal sealed record ObjectComparison(IReadOnlyList<PgCheck> Checks, IReadOnlyList<PgObjectDifference> Differences)
{
    /// <summary>The checks' names.</summary>
    internal static readonly string[] Groups =
    [
        PgCheckName.Objects, PgCheckName.Views, PgCheckName.Functions, PgCheckName.Indexes, PgCheckName.Constraints,
        PgCheckName.Triggers, PgCheckName.Policies, PgCheckName.Privileges,
    ];

    /// <summary>Nothing to compare with.</summary>
    /// <param name="reason">Why.</param>
    internal static ObjectComparison Skip(string reason) => new([.. Groups.Select(group => PgCheck.Skip(group, reason))], []);

    /// <summary>Holds a manifest's objects against what is there; skips what the manifest does not hold.</summary>
    internal static ObjectComparison Compare(PgBackupManifest manifest, ObjectInventory found, ObjectRules rules)
        => ObjectInventory.From(manifest) is not { } recorded ? Skip(WhyNone(manifest))
            : Compare(recorded, found, rules).Explain(PublicSchema.Why(DumpVersion.MajorOf(manifest), found.ServerMajor));

    /// <summary>Compares.</summary>
    /// <param name="reference">What should be there.</param>
    /// <param name="difference">What is there.</param>
    /// <param name="rules">What is to be equal.</param>
    internal static ObjectComparison Compare(ObjectInventory reference, ObjectInventory difference, ObjectRules rules)
    {
        var groups = Groups.ToDictionary(group => group, _ => new Group());
        var differences = new List<PgObjectDifference>();
        foreach (var (name, one) in reference.Objects.Where(one => !rules.IsLeftOut(one.Key)))
        {
            var group = groups[GroupOf(name.Kind)];
            group.Excuse(rules.Excuse(name.Kind));
            if (rules.Excuse(name.Kind) is not null
                || (rules.AsDumped && name.Kind == InvalidIndex && !difference.Objects.ContainsKey(name)))
            {
                continue;
            }

            if (!difference.Objects.TryGetValue(name, out var other))
            {
                var excuse = rules.ExcuseMissing(name);
                group.Excuse(excuse);
                if (excuse is null)
                {
                    Note(name, PgObjectVerdict.Missing, one, null);
                }
            }
            else if (rules.AsDumped && name.Kind == "extension")
            {
                group.Compared++;
            }
            else if (reference.ServerMajor != difference.ServerMajor && (one.HoldsQuery || other.HoldsQuery))
            {
                group.Unread.Add(name.Name);
            }
            else if (one.Is(other) || rules.IsMapped(name, one, other) || rules.IsUnfilled(name, one, other))
            {
                group.Compared++;
            }
            else if (reference.MayHoldInternalOptions(name) || difference.MayHoldInternalOptions(name))
            {
                group.Unsettled++;
            }
            else if (rules.ExcuseDifference(name.Kind, other) is { } excuse)
            {
                group.Excuse(excuse);
            }
            else
            {
                Note(name, PgObjectVerdict.Differs, one, other);
            }
        }

        foreach (var (name, extra) in difference.Objects.Where(one => !rules.IsLeftOut(one.Key)))
        {
            if (rules.Excuse(name.Kind) is null && !reference.Objects.ContainsKey(name) && !rules.Before.Contains(name)
                && !(rules.AsDumped && IsFromTheBeginning(name)))
            {
                Note(name, PgObjectVerdict.Extra, null, extra);
            }
        }

        var versions = Text($"server versions {reference.ServerMajor} and {difference.ServerMajor}");
        return new ObjectComparison(
            [.. Groups.Select(name => groups[name].Check(name, versions))],
            [.. differences.OrderBy(one => one.Kind, StringComparer.Ordinal).ThenBy(one => one.Name, StringComparer.Ordinal)]);

        void Note(ObjectName name, PgObjectVerdict verdict, SchemaObject? one, SchemaObject? other)
        {
            // Whatever is there has an owner, and what is not there is told by its own kind.
            if (name.Kind == "owner" && verdict != PgObjectVerdict.Differs)
            {
                return;
            }

            var found = new PgObjectDifference
            {
                Kind = name.Kind,
                Name = name.Name,
                Verdict = verdict,
                ReferenceDefinition = one?.Definition,
                DifferenceDefinition = other?.Definition,
            };
            differences.Add(found);
            groups[GroupOf(name.Kind)].Wrong.Add(found);
        }
    }

    /// <summary>
    /// Says what a person cannot know: a dump leaves out what the schema public has from the beginning, and this server begins otherwise.
    /// </summary>
    private ObjectComparison Explain(string? why)
    {
        // Where anything else differs too, that is the news, and this would draw from it.
        var privileges = Differences.Where(one => GroupOf(one.Kind) == PgCheckName.Privileges).ToList();
        return why is not null && privileges.Count > 0 && privileges.TrueForAll(one => one.Name == "schema public")
            ? this with
            {
                Checks = [.. Checks.Select(check => check.Name == PgCheckName.Privileges
                    ? check with { Detail = $"{check.Detail}; {why}", IsLeftOutByDump = true }
                    : check)],
            }
            : this;
    }

    /// <summary>Joins these checks with others of the same name, made of the same copy: both have to be right.</summary>
    internal IReadOnlyList<PgCheck> With(IReadOnlyList<PgCheck> others)
        => [.. others.Where(other => !Groups.Contains(other.Name)), .. Checks.Select(
            check => Join(others.FirstOrDefault(other => other.Name == check.Name), check))];

    private static PgCheck Join(PgCheck? validity, PgCheck compared)
        => validity is null ? compared : validity with
        {
            Status = validity.Status == PgCheckStatus.Passed ? compared.Status : validity.Status,
            Detail = $"{validity.Detail}; {compared.Detail}",
            Duration = validity.Duration + compared.Duration,
            IsLeftOutByDump = compared.IsLeftOutByDump,
        };

    private const int MostDescribed = 5;
    private const string InvalidIndex = "invalid index";

    private static string GroupOf(string kind) => kind switch
    {
        "view" or "materialized view" or "rule" => PgCheckName.Views,
        "function" or "aggregate" => PgCheckName.Functions,
        "index" or InvalidIndex => PgCheckName.Indexes,
        "constraint" => PgCheckName.Constraints,
        "trigger" or "event trigger" => PgCheckName.Triggers,
        "policy" or "row security" => PgCheckName.Policies,
        "owner" or "grants" or "default privileges" => PgCheckName.Privileges,
        _ => PgCheckName.Objects,
    };

    private static bool IsFromTheBeginning(ObjectName name)
        => name is { Kind: "schema", Name: "public" } or { Kind: "grants", Name: "schema public" };

    /// <summary>Why there is nothing to compare with in a manifest.</summary>
    internal static string WhyNone(PgBackupManifest manifest) => manifest switch
    {
        { Objects: not null } => "the manifest tells objects in a way that this PgOps does not know",
        { Part: not null } => "the backup is of a part of the database",
        _ => "the manifest lists no schema objects: an older PgOps made the backup",
    };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    // A check is one line: the first few say how, the rest only where.
    private static string Describe(PgObjectDifference one, int index) => one.Verdict == PgObjectVerdict.Differs && index < MostDescribed
        ? $"{one} ({DefinitionPair.Describe(one.ReferenceDefinition, one.DifferenceDefinition)})"
        : one.ToString();

    /// <summary>What one check is made of.</summary>
    private sealed class Group
    {
        private readonly SortedSet<string> _excuses = [];

        internal List<PgObjectDifference> Wrong { get; } = [];

        internal List<string> Unread { get; } = [];

        internal int Compared { get; set; }

        internal int Unsettled { get; set; }

        internal void Excuse(string? reason)
        {
            if (reason is not null)
            {
                _excuses.Add(reason);
            }
        }

        internal PgCheck Check(string name, string versions)
        {
            var said = new List<string> { PgAmount.Of(Compared, "equal definition") };
            if (Unread.Count > 0)
            {
                Unread.Sort(StringComparer.Ordinal);
                said.Add($"not compared, because PostgreSQL words queries differently between {versions}: {NameList.Of(Unread)}");
            }

            if (Unsettled > 0)
            {
                said.Add($"{PgAmount.Of(Unsettled, "column")} not compared: {InternalOptions.WhyNotCompared}");
            }

            said.AddRange(_excuses);
            return Wrong.Count > 0
                ? PgCheck.Fail(name, NameList.Of(Wrong.OrderBy(one => one.ToString(), StringComparer.Ordinal).Select(Describe)))
                : Unread.Count > 0 || Unsettled > 0 || _excuses.Count > 0
                    ? PgCheck.Skip(name, string.Join("; ", said))
                    : PgCheck.Pass(name, said[0]);
        }
    }
}
