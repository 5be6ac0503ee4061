using System.Globalization;
using System.Text;

namespace PgOps.Core.Sql;

/// <summary>
/// PostgreSQL's encodings, by name, as .NET knows them (https://www.postgresql.org/docs/current/multibyte.html). Those that .NET does not
/// know are read byte by byte: what is ASCII in them stays what it is, and every other letter stands for a byte.
/// </summary>
internal static class ServerEncoding
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    // Each code page of .NET with its names, without their punctuation and in lower case: the server takes EUC_JP and eucjp for one.
    private static readonly Dictionary<string, int> CodePages = """
        950 big5
        51932 eucjp
        51936 euccn
        51949 euckr
        54936 gb18030
        936 gbk
        1361 johab
        28591 iso88591 latin1
        28592 iso88592 latin2
        28593 iso88593 latin3
        28594 iso88594 latin4
        28595 iso88595
        28596 iso88596
        28597 iso88597
        28598 iso88598
        28599 iso88599 latin5
        28603 iso885913 latin7
        28605 iso885915 latin9
        20866 koi8 koi8r
        21866 koi8u
        932 sjis shiftjis
        949 uhc
        1251 win win1251
        866 alt win866
        874 win874
        1250 win1250
        1252 win1252
        1253 win1253
        1254 win1254
        1255 win1255
        1256 win1256
        1257 win1257
        1258 win1258
        """.Split('\n').Select(line => line.Split(' ')).SelectMany(line => line.Skip(1).Select(name => (Name: name, Page: line[0])))
        .ToDictionary(pair => pair.Name, pair => int.Parse(pair.Page, CultureInfo.InvariantCulture), StringComparer.Ordinal);

    /// <summary>Reads text in an encoding.</summary>
    /// <param name="name">PostgreSQL's name for it, for example LATIN1. Under SQL_ASCII nobody knows; most likely it is UTF-8.</param>
    internal static Encoding Of(string name) => Plain(name) is "utf8" or "unicode" or "sqlascii" ? Utf8 : Find(name) ?? Encoding.Latin1;

    /// <summary>Whether .NET reads its letters as the server does.</summary>
    internal static bool IsKnown(string name) => Plain(name) is "utf8" or "unicode" or "sqlascii" || Find(name) is not null;

    /// <summary>Whether it is UTF-8.</summary>
    internal static bool IsUtf8(string name) => Plain(name) is "utf8" or "unicode";

    private static Encoding? Find(string name)
        => !CodePages.TryGetValue(Plain(name), out var page) ? null
            : page == Encoding.Latin1.CodePage ? Encoding.Latin1
            : CodePagesEncodingProvider.Instance.GetEncoding(page);

    private static string Plain(string name)
    {
        var plain = string.Concat(name.Where(char.IsAsciiLetterOrDigit)).ToLower(CultureInfo.InvariantCulture);
        return plain.StartsWith("windows", StringComparison.Ordinal) ? "win" + plain["windows".Length..] : plain;
    }
}
