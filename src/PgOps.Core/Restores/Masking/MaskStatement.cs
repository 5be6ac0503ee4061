using System.Globalization;
using PgOps.Core.Sql;

namespace PgOps.Core.Restores.Masking;

/// <summary>The SQL that masks a table: one UPDATE that computes everything on the server.</summary>
internal static class MaskStatement
{
    private const string Digest = "pgops_h.h";
    private const string Hex = $"pg_catalog.encode({Digest}, 'hex')";

    // Consonant and vowel in 64 pairs, and endings: names that sound like names and are nobody's.
    private const string Syllables =
        "ba,be,bi,bo,da,de,di,do,fa,fe,fi,fo,ga,ge,gi,go,ha,he,hi,ho,ka,ke,ki,ko,la,le,li,lo,ma,me,mi,mo,"
        + "na,ne,ni,no,pa,pe,pi,po,ra,re,ri,ro,sa,se,si,so,ta,te,ti,to,va,ve,vi,vo,wa,we,wi,wo,ya,ye,yo,yu";

    private const string FirstEndings = "n,l,r,s,na,ra,lin,mir";
    private const string LastEndings = "berg,dal,holt,ton,wick,son,mann,ler,ford,stad,vik,mond,rell,court,quist,nard";

    /// <summary>The statement.</summary>
    /// <param name="steps">The columns of one table.</param>
    /// <param name="table">Every column of the table.</param>
    internal static string Update(IReadOnlyList<MaskStep> steps, IReadOnlyList<MaskColumn> table)
    {
        var name = steps[0].Column.QualifiedTable;
        var values = steps.Select((step, index)
            => $"{Quote.Identifier(step.Column.Name)} = {(step.Rule.Kind == MaskKind.Shuffle ? Shuffled(index) : Value(step))}");
        var shuffled = steps.Select((step, index) => (step, index)).Where(item => item.step.Rule.Kind == MaskKind.Shuffle).ToList();
        var update = $"UPDATE {name} SET {string.Join(", ", values)} FROM {MaskKey.Table} pgops_k";
        if (shuffled.Count == 0)
        {
            return update;
        }

        // Every row takes the value of the next one in an order that only the key knows; the last takes the first's.
        var columns = shuffled.Select(item => string.Create(CultureInfo.InvariantCulture, $"""
            CASE WHEN pg_catalog.row_number() OVER w{item.index} = pg_catalog.count(*) OVER ()
                 THEN pg_catalog.first_value({Reference(item.step.Column)}) OVER w{item.index}
            ELSE pg_catalog.lead({Reference(item.step.Column)}) OVER w{item.index} END AS {Alias(item.index)}
            """));
        var keys = table.Where(column => column.Primary).ToList();
        var row = keys.Count > 0
            ? $"ROW({string.Join(", ", keys.Select(Reference))})::text"
            : $"({Quote.Identifier(steps[0].Column.Table)}.*)::text";
        var windows = shuffled.Select(item => string.Create(
            CultureInfo.InvariantCulture,
            $"w{item.index} AS (ORDER BY {Hmac(MaskKind.Shuffle, $"{Quote.Literal(item.step.Column.Name + ":")} || {row}")})"));
        return $"""
            {update}, (
                SELECT {name}.tableoid AS pgops_oid, {name}.ctid AS pgops_tid, {string.Join(", ", columns)}
                FROM {name}, {MaskKey.Table} pgops_k WINDOW {string.Join(", ", windows)}) pgops_s
            WHERE {name}.tableoid = pgops_s.pgops_oid AND {name}.ctid = pgops_s.pgops_tid
            """;
    }

    /// <summary>A column's value as text, for hashing; a referenced citext may be spelled otherwise where it is referred to.</summary>
    internal static string Text(MaskColumn column)
        => column.Type.EndsWith("citext", StringComparison.Ordinal)
            ? $"pg_catalog.lower({Reference(column)}::text)"
            : $"{Reference(column)}::text";

    /// <summary>The column with its table.</summary>
    internal static string Reference(MaskColumn column) => $"{column.QualifiedTable}.{Quote.Identifier(column.Name)}";

    /// <summary>The fixed value in the column's type.</summary>
    internal static string Constant(MaskStep step) => $"CAST({Quote.Literal(step.Rule.Argument!)} AS {step.Column.DeclaredType})";

    private static string Alias(int index) => string.Create(CultureInfo.InvariantCulture, $"pgops_s{index}");

    private static string Shuffled(int index) => $"pgops_s.{Alias(index)}";

    private static string Value(MaskStep step) => step.Rule.Kind switch
    {
        MaskKind.Null => "NULL",
        MaskKind.Fixed => Constant(step),
        MaskKind.Expression => $"({step.Rule.Argument}\n)",

        // An empty text tells nothing of anybody, and NULL stays NULL because every part of a mask is strict.
        _ => $"CASE WHEN {Text(step.Column)} = '' THEN {Reference(step.Column)} ELSE "
            + $"(SELECT {Mask(step)} FROM (SELECT {Hmac(step.Rule.Kind, Text(step.Column))} AS h OFFSET 0) pgops_h) END",
    };

    private static string Mask(MaskStep step) => step.Rule.Kind switch
    {
        MaskKind.Email => $"'u' || {HexDigits(MaskLimits.EmailLength(step))} || '{MaskLimits.Domain}'",
        MaskKind.Phone => Phone(MaskLimits.PhoneLength(step)),
        MaskKind.Name => Name(step),
        _ => step.Column.Type switch
        {
            "uuid" => $"{HexDigits(32)}::uuid",
            "bytea" => Digest,

            // The upper half of the positive numbers, where counted ones do not come.
            "bigint" => $"({Bits(64)}::bigint & 4611686018427387903) | 4611686018427387904",
            "integer" => $"({Bits(32)}::integer & 1073741823) | 1073741824",
            _ => HexDigits(MaskLimits.HashLength(step)),
        },
    };

    private static string Phone(int digits)
        => string.Create(
            CultureInfo.InvariantCulture,
            $"'{MaskLimits.Prefix}' || pg_catalog.lpad((({Bits(64)}::bigint & 9223372036854775807) "
                + $"% 1{new string('0', digits)})::text, {digits}, '0')");

    private static string Name(MaskStep step)
    {
        var name = $"pg_catalog.initcap({Word(0, Syllables, 64)} || {Word(1, Syllables, 64)} || {Word(2, FirstEndings, 8)} "
            + "COLLATE pg_catalog.\"C\") || ' ' || "
            + $"pg_catalog.initcap({Word(3, Syllables, 64)} || {Word(4, Syllables, 64)} || {Word(5, LastEndings, 16)} "
            + "COLLATE pg_catalog.\"C\")";
        var room = step.Length - (step.Unique ? MaskLimits.Apart + 1 : 0);
        var fitting =
            room is null ? name : string.Create(CultureInfo.InvariantCulture, $"pg_catalog.rtrim(pg_catalog.left({name}, {room}))");
        return step.Unique ? $"{fitting} || ' ' || {HexDigits(MaskLimits.Apart)}" : fitting;
    }

    private static string Word(int position, string words, int count)
        => string.Create(
            CultureInfo.InvariantCulture, $"('{{{words}}}'::text[])[1 + pg_catalog.get_byte({Digest}, {position}) % {count}]");

    // The digits that keep names apart lie behind the bytes that the name is made of.
    private static string HexDigits(int digits)
        => string.Create(CultureInfo.InvariantCulture, $"pg_catalog.substr({Hex}, {(digits == MaskLimits.Apart ? 21 : 1)}, {digits})");

    private static string Bits(int bits)
        => string.Create(CultureInfo.InvariantCulture, $"('x' || pg_catalog.substr({Hex}, 1, {bits / 4}))::bit({bits})");

    private static string Hmac(MaskKind kind, string text)
        => $"pg_catalog.sha256(pgops_k.{MaskKey.Column(kind, true)} || pg_catalog.sha256(pgops_k.{MaskKey.Column(kind, false)} "
            + $"|| pg_catalog.convert_to({text}, 'UTF8')))";
}
