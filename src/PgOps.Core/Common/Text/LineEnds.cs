namespace PgOps.Core.Common.Text;

/// <summary>A script as it is and with either kind of line ends: a checkout may have changed them since the tool hashed the file.</summary>
internal static class LineEnds
{
    private const byte CarriageReturn = (byte)'\r';
    private const byte LineFeed = (byte)'\n';

    /// <summary>The script as it is, with LF and with CRLF.</summary>
    internal static IEnumerable<byte[]> Forms(byte[] script)
    {
        yield return script;
        var lines = Unix(script);
        yield return lines;
        yield return Windows(lines);
    }

    private static byte[] Unix(byte[] script)
    {
        var bytes = new List<byte>(script.Length);
        for (var index = 0; index < script.Length; index++)
        {
            if (script[index] != CarriageReturn || index + 1 == script.Length || script[index + 1] != LineFeed)
            {
                bytes.Add(script[index]);
            }
        }

        return [.. bytes];
    }

    private static byte[] Windows(byte[] lines)
    {
        var bytes = new List<byte>(lines.Length + (lines.Length / 16));
        foreach (var value in lines)
        {
            if (value == LineFeed)
            {
                bytes.Add(CarriageReturn);
            }

            bytes.Add(value);
        }

        return [.. bytes];
    }
}
