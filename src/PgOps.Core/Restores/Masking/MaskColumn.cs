using PgOps.Core.Sql;

namespace PgOps.Core.Restores.Masking;

/// <summary>A column of the copy.</summary>
internal sealed record MaskColumn
{
    internal required string Schema { get; init; }

    internal required string Table { get; init; }

    internal required string Name { get; init; }

    /// <summary>The table's oid.</summary>
    internal required uint TableOid { get; init; }

    /// <summary>Its number in the table.</summary>
    internal required short Number { get; init; }

    /// <summary>relkind.</summary>
    internal required char Kind { get; init; }

    /// <summary>The type as it is declared, a domain by its own name.</summary>
    internal required string DeclaredType { get; init; }

    /// <summary>The base type's name without length, for example <c>character varying</c>.</summary>
    internal required string Type { get; init; }

    /// <summary>Characters it holds; null without a limit.</summary>
    internal required int? Length { get; init; }

    internal required bool NotNull { get; init; }

    /// <summary>Whether it is computed from other columns.</summary>
    internal required bool Generated { get; init; }

    /// <summary>Whether it is GENERATED ALWAYS AS IDENTITY.</summary>
    internal required bool Identity { get; init; }

    /// <summary>Whether the table is a partition, or the column is inherited: its parent has the rule.</summary>
    internal required bool Inherited { get; init; }

    /// <summary>Whether a unique index holds it.</summary>
    internal required bool Unique { get; init; }

    /// <summary>Whether a unique index holds it alone.</summary>
    internal required bool UniqueAlone { get; init; }

    /// <summary>Whether the primary key holds it.</summary>
    internal required bool Primary { get; init; }

    /// <summary>Whether text can be invented for it.</summary>
    internal bool IsText
        => Type is "text" or "character varying" or "character" or "citext" || Type.EndsWith(".citext", StringComparison.Ordinal);

    /// <summary>Quoted, with schema.</summary>
    internal string QualifiedTable => Quote.Qualified(Schema, Table);

    /// <inheritdoc/>
    public override string ToString() => $"{ShownTable}.{SqlName.Show(Name)}";

    internal string ShownTable => $"{SqlName.Show(Schema)}.{SqlName.Show(Table)}";
}
