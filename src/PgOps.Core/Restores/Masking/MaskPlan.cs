namespace PgOps.Core.Restores.Masking;

/// <summary>The rules held against the copy's catalog: every column to mask, those that foreign keys tie to them included.</summary>
internal sealed class MaskPlan
{
    private readonly MaskCatalog _catalog;
    private readonly List<string> _problems = [];
    private readonly Dictionary<MaskColumn, MaskStep> _steps = [];

    private MaskPlan(MaskCatalog catalog)
    {
        _catalog = catalog;
    }

    /// <summary>What does not fit, a sentence each.</summary>
    internal IReadOnlyList<string> Problems => _problems;

    /// <summary>Columns to mask, by table.</summary>
    internal IReadOnlyList<IGrouping<uint, MaskStep>> Tables
        => [.. _steps.Values.Where(step => step.Rule.Kind != MaskKind.Keep).GroupBy(step => step.Column.TableOid)];

    /// <summary>Columns that somebody has decided about.</summary>
    internal IReadOnlyCollection<MaskColumn> Decided => _steps.Keys;

    /// <summary>Foreign keys that hold a masked column on either side.</summary>
    internal IReadOnlyList<MaskForeignKey> ForeignKeys => [.. _catalog.References()
        .Where(reference => IsMasked(reference.From) || IsMasked(reference.To)).Select(reference => reference.Key).Distinct()];

    /// <summary>Makes the plan.</summary>
    internal static MaskPlan Make(IReadOnlyList<MaskRule> rules, MaskCatalog catalog)
    {
        var plan = new MaskPlan(catalog);
        foreach (var rule in rules)
        {
            plan.Take(rule);
        }

        var references = catalog.References().ToList();
        plan.Propagate(references);
        plan.Narrow(references);
        foreach (var step in plan._steps.Values)
        {
            plan._problems.AddRange(MaskLimits.Problems(step));
        }

        return plan;
    }

    private bool IsMasked(MaskColumn column) => _steps.TryGetValue(column, out var step) && step.Rule.Kind != MaskKind.Keep;

    private void Take(MaskRule rule)
    {
        var table = _catalog.Columns.Where(column => column.Schema == rule.Schema && column.Table == rule.Table).ToList();
        if (table.Find(candidate => candidate.Name == rule.Column) is not { } column)
        {
            _problems.Add(table.Count == 0
                ? $"{rule}: there is no such table"
                : $"{rule}: the table has no such column; it has {string.Join(", ", table.Select(known => SqlName.Show(known.Name)))}");
            return;
        }

        var wrong = rule.Kind == MaskKind.Keep ? null : column switch
        {
            { Kind: not ('r' or 'p') } => "is not a table: the views show what the tables hold, and foreign rows live elsewhere",
            { Inherited: true } => "comes from its parent table: give the rule for that",
            { Generated: true } => "is computed from other columns: give them a rule, and it follows",
            { Identity: true } => "is GENERATED ALWAYS AS IDENTITY, a number that says nothing of anybody: leave it",
            _ => null,
        };
        if (wrong is not null)
        {
            _problems.Add($"{rule}: it {wrong}");
            return;
        }

        _steps[column] = new MaskStep(column, rule, null, column.Length, column.Unique);
    }

    /// <summary>Carries rules from a referenced column to every column that refers to it.</summary>
    private void Propagate(List<(MaskForeignKey Key, MaskColumn From, MaskColumn To)> references)
    {
        for (var changed = true; changed;)
        {
            changed = false;
            foreach (var (_, from, to) in references)
            {
                if (_steps.TryGetValue(to, out var step) && step.Rule.IsFunction && !_steps.ContainsKey(from))
                {
                    _steps[from] = new MaskStep(from, step.Rule, step.Follows ?? to, from.Length, from.Unique);
                    changed = true;
                }
            }
        }

        foreach (var (key, from, to) in references)
        {
            var source = _steps.GetValueOrDefault(to)?.Rule;
            var own = _steps.GetValueOrDefault(from)?.Rule;
            var where = $"{from} refers to {to} ({SqlName.Show(key.Name)})";
            if (source is { IsFunction: true })
            {
                if (own!.Kind != MaskKind.Null && own.Kind != source.Kind)
                {
                    _problems.Add($"{where}, which has the rule {source.Word}: give it the same, or null, or none, and it follows");
                }
                else if (own.Kind == MaskKind.Hash && MaskLimits.HashClass(from) != MaskLimits.HashClass(to))
                {
                    _problems.Add($"{where}, and their types differ ({from.DeclaredType}, {to.DeclaredType}): their hashes would too");
                }
            }
            else if (source is not (null or { Kind: MaskKind.Keep }) && own?.Kind is not (MaskKind.Null or MaskKind.Expression))
            {
                _problems.Add($"{where}: {source.Word} would cut the reference; use hash, email, name or phone, which go to both sides, "
                    + "or mask both with an expression");
            }
            else if (source is null or { Kind: MaskKind.Keep } && own is { IsFunction: true })
            {
                _problems.Add($"{where}, which is not masked: give the rule for {to}, and every column that refers to it follows");
            }
            else if (own?.Kind == MaskKind.Shuffle && key.ReferencingColumns.Count > 1)
            {
                _problems.Add($"{where} together with other columns: shuffle would tear them apart; use null");
            }
        }
    }

    /// <summary>Columns tied by a foreign key get masks of the same length.</summary>
    private void Narrow(List<(MaskForeignKey Key, MaskColumn From, MaskColumn To)> references)
    {
        for (var changed = true; changed;)
        {
            changed = false;
            foreach (var (_, from, to) in references)
            {
                if (_steps.TryGetValue(from, out var one) && _steps.TryGetValue(to, out var other) && one.Rule.IsFunction
                    && other.Rule.IsFunction)
                {
                    var length = Math.Min(one.Length ?? int.MaxValue, other.Length ?? int.MaxValue);
                    var tied = (Length: length == int.MaxValue ? (int?)null : length, Unique: one.Unique || other.Unique);
                    changed |= (one.Length, one.Unique) != tied || (other.Length, other.Unique) != tied;
                    _steps[from] = one with { Length = tied.Length, Unique = tied.Unique };
                    _steps[to] = other with { Length = tied.Length, Unique = tied.Unique };
                }
            }
        }
    }
}
