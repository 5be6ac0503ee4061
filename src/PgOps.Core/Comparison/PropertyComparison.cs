using System.Globalization;
using PgOps.Core.Common.Text;

namespace PgOps.Core.Comparison;

/// <summary>Holds the properties of one database itself against another's: what neither its rows nor its objects tell.</summary>
internal static class PropertyComparison
{
    /// <summary>The check.</summary>
    internal static PgCheck Compare(PgDatabaseFacts reference, PgDatabaseFacts difference)
    {
        if (reference.Grants is not { } expected || difference.Grants is not { } found)
        {
            return PgCheck.Skip(PgCheckName.Properties, "not compared, because the PgOps that made the backup did not record them");
        }

        var wrong = new List<string>();
        One("connection limit", Limit(reference), Limit(difference));
        One("comment", reference.Comment ?? "none", difference.Comment ?? "none");
        One("template", $"{reference.IsTemplate}", $"{difference.IsTemplate}");
        One("ICU rules", reference.IcuRules ?? "none", difference.IcuRules ?? "none");
        Many("grant of", expected, found);
        Many("setting", reference.Settings, difference.Settings);
        Many("setting", reference.RoleSettings, difference.RoleSettings);

        // Their values are in no manifest, and a restore cannot bring them back.
        var secret = reference.WithheldSettings.Union(difference.WithheldSettings).ToList();
        var remark = secret.Count == 0 ? "" : "; not compared, because the value looks like a secret: " + NameList.Of(secret);
        return wrong.Count > 0
            ? PgCheck.Fail(PgCheckName.Properties, NameList.Of(wrong) + remark)
            : PgCheck.Pass(
                PgCheckName.Properties, "connection limit, comment, template, ICU rules, grants and settings are equal" + remark);

        void One(string what, string wanted, string there)
        {
            if (wanted != there)
            {
                wrong.Add($"{what}: {wanted} expected, {there} found");
            }
        }

        void Many<T>(string what, IReadOnlyList<T> wanted, IReadOnlyList<T> there)
        {
            wrong.AddRange(wanted.Except(there).Select(one => $"{what} {one}: missing"));
            wrong.AddRange(there.Except(wanted).Select(one => $"{what} {one}: not in the reference"));
        }
    }

    private static string Limit(PgDatabaseFacts facts)
        => facts.ConnectionLimit < 0 ? "none" : facts.ConnectionLimit.ToString(CultureInfo.InvariantCulture);
}
