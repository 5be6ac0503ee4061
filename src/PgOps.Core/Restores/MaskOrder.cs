using PgOps.Core.Restores.Masking;

namespace PgOps.Core.Restores;

/// <summary>How a copy is masked.</summary>
/// <param name="Path">The rules file.</param>
/// <param name="Rules">Its rules; none masks nothing.</param>
/// <param name="Seed">What the masks are made from; null for masks that no other run makes.</param>
/// <param name="Strict">Whether personal data that seem to be left fail the restore.</param>
internal sealed record MaskOrder(string Path, IReadOnlyList<MaskRule> Rules, PgSecret? Seed, bool Strict);
