using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Restores.Masking;

/// <summary>
/// Looks for columns that seem to hold personal data and that nobody has decided about: by name, and by a sample of the content.
/// </summary>
internal static partial class PersonalData
{
    private const int SampleRows = 1000;

    // Fewer phone numbers among other things may well be something else.
    private const int PhoneShare = 10;

    private static readonly (string What, string Condition)[] Patterns =
    [
        ("e-mail addresses", "v ~ '[[:alnum:]._%+-]@[[:alnum:]-]+[.][[:alpha:]]{2,}' AND v !~ '@example[.]invalid'"),
        ("IBANs", "v ~ '\\m[A-Z]{2}[0-9]{2}( ?[A-Z0-9]{4}){2,7}( ?[A-Z0-9]{1,3})?\\M' AND v ~ '[0-9]{6}|[0-9]{4} [0-9]{4}'"),
        ("card numbers", "v ~ '^[3-6][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{3,4}$'"),
        ("social security numbers", "v ~ '^[0-9]{3}-[0-9]{2}-[0-9]{4}$'"),
        ("IP addresses", "v ~ '^[0-9]{1,3}([.][0-9]{1,3}){3}$'"),
        ("phone numbers", "v ~ '^([+]|00?)[0-9][0-9 ()/.-]{6,}[0-9]$' AND v !~ '^[+]999'"),
    ];

    private static readonly HashSet<string> PersonTables = new(StringComparer.Ordinal)
    {
        "user", "customer", "person", "people", "contact", "employee", "member", "patient", "client", "author", "staff", "student",
        "subscriber",
        "account", "kunde", "kunden", "benutzer", "mitarbeiter", "mitglieder", "personen", "utilisateur", "usuario", "cliente", "utente",
    };

    /// <summary>Finds them.</summary>
    /// <param name="session">A session on the analysed copy.</param>
    /// <param name="catalog">Its columns.</param>
    /// <param name="decided">Columns with a rule.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Each column with the reason.</returns>
    internal static async Task<IReadOnlyList<string>> FindAsync(
        NpgsqlConnection session, MaskCatalog catalog, IReadOnlyCollection<MaskColumn> decided, CancellationToken cancellationToken)
    {
        var found = new List<string>();
        var open = catalog.Columns
            .Where(column => column.Kind is 'r' or 'p' && !column.Inherited && !column.Generated && column.Schema != "pgops"
                && !decided.Contains(column));
        foreach (var table in open.GroupBy(column => column.TableOid))
        {
            var named = table.Where(IsNamedSo).ToList();
            found.AddRange(named.Select(column => $"{column} (by its name)"));
            var sampled = table.Except(named).Where(IsReadable).ToList();
            if (sampled.Count > 0)
            {
                found.AddRange(await SampleAsync(session, sampled, cancellationToken).ConfigureAwait(false));
            }
        }

        return found;
    }

    /// <summary>Whether a column's name says that it holds personal data, in one of several languages.</summary>
    internal static bool IsNamedSo(MaskColumn column)
    {
        if (column.Type == "boolean" || column.Name.EndsWith("_id", StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        var words = "_" + CamelHump().Replace(column.Name, "$1_$2").ToLowerInvariant().Replace(' ', '_').Replace('-', '_') + "_";
        return column.Type.StartsWith("timestamp", StringComparison.Ordinal) || column.Type is "date"
            ? Birth().IsMatch(words)
            : Birth().IsMatch(words) || Words().IsMatch(words) || (words == "_name_" && IsPersonTable(column.Table));
    }

    private static bool IsPersonTable(string table)
        => table.ToLowerInvariant() is var name && (PersonTables.Contains(name) || PersonTables.Contains(name.TrimEnd('s')));

    private static bool IsReadable(MaskColumn column)
        => column.IsText || column.Type is "json" or "jsonb" or "xml" or "text[]" or "character varying[]";

    private static async Task<IReadOnlyList<string>> SampleAsync(
        NpgsqlConnection session, List<MaskColumn> columns, CancellationToken cancellationToken)
    {
        var first = columns[0];
        var rows = await session.ScalarAsync<float>(
            "SELECT reltuples FROM pg_catalog.pg_class WHERE oid = $1::bigint::pg_catalog.oid", cancellationToken,
            (long)first.TableOid).ConfigureAwait(false);
        var share = Math.Clamp(100.0 * 4 * SampleRows / Math.Max(1, rows), 0.001, 100);
        var sample = string.Create(CultureInfo.InvariantCulture, $"TABLESAMPLE SYSTEM ({share:0.#####}) REPEATABLE (1)");
        var list = string.Join(", ", columns.Select((column, index)
            => FormattableString.Invariant($"pg_catalog.left({MaskStatement.Text(column)}, 2000) AS c{index}")));
        var counts = string.Join(", ", columns.SelectMany((_, index) => Patterns
            .Select(pattern => FormattableString.Invariant($"count(*) FILTER (WHERE {Value().Replace(pattern.Condition, $"c{index}")})"))
            .Append(FormattableString.Invariant($"count(c{index})"))));
        var width = Patterns.Length + 1;
        var numbers = (await session.QueryAsync(
            $"SELECT {counts} FROM (SELECT {list} FROM {first.QualifiedTable} {sample} LIMIT {SampleRows}) s",
            row => Enumerable.Range(0, columns.Count * width).Select(row.GetInt64).ToList(),
            cancellationToken).ConfigureAwait(false))[0];
        return [.. columns.Select((column, index) => (Column: column, Found: Judge(numbers.GetRange(index * width, width))))
            .Where(item => item.Found.Length > 0).Select(item => $"{item.Column} ({item.Found} in it)")];
    }

    private static string Judge(List<long> counts)
        => string.Join(", ", Patterns.Where((_, index) => counts[index] > 0
            && (index < Patterns.Length - 1 || counts[index] * PhoneShare >= counts[^1])).Select(pattern => pattern.What));

    [GeneratedRegex(@"\bv\b(?= [!~])", RegexOptions.CultureInvariant)]
    private static partial Regex Value();

    [GeneratedRegex("([a-z0-9])([A-Z])", RegexOptions.CultureInvariant)]
    private static partial Regex CamelHump();

    [GeneratedRegex(
        "_(birth|birthday|birthdate|birthplace|dob|born|geburt[a-z]*|geboren|naissance|nacimiento|nascita|nascimento)_",
        RegexOptions.CultureInvariant)]
    private static partial Regex Birth();

    [GeneratedRegex(
        "_(e_?mails?|mail|courriel|correo|phones?|telephone|telefono?|téléphone|teléfono|telefone|tel|mobile|mobil|handy|fax|cellphone|"
        + "address(es)?|adresse|addr|direccion|dirección|indirizzo|endereco|street|strasse|straße|rue|calle|"
        + "zip|zipcode|postcode|postal|postleitzahl|plz|"
        + "ssn|nin|nino|sozialversicherung[a-z]*|passport|passeport|pasaporte|reisepass|ausweis[a-z]*|dni|nif|cpf|"
        + "iban|bic|kontonummer|card|creditcard|pan|cvv|cvc|ip|ipaddr(ess)?|"
        + "(first|last|full|given|family|middle|maiden|sur|fore|user|nick|display)_?name|vorname|nachname|familienname|prenom|prénom|"
        + "nom|nombre|apellidos?|cognome|"
        + "passw(or)?d|passwort|gender|geschlecht|religion|salary|gehalt|tax_?(id|number)|steuer[a-z]*)_",
        RegexOptions.CultureInvariant)]
    private static partial Regex Words();
}
