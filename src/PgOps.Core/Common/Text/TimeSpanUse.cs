namespace PgOps.Core.Common.Text;

/// <summary>What a span of time is for: which unit people mean, and whether none at all has a meaning.</summary>
/// <param name="Unit">The unit of the spellings that errors suggest: s, min, h or d. With d the letter m may mean months.</param>
/// <param name="Zero">Whether no time at all has a meaning.</param>
public sealed record TimeSpanUse(string Unit = "s", bool Zero = false);
