namespace PgOps;

/// <summary>Writes sizes and ages as people read them, the same in every culture.</summary>
public static class PgSize
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

    /// <summary>A number of bytes in binary units.</summary>
    /// <param name="bytes">The number of bytes.</param>
    /// <returns>For example <c>12.3 MiB</c>.</returns>
    public static string Format(long bytes)
    {
        var value = (double)bytes;
        var unit = 0;
        while (value >= 1024 && unit < Units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return unit == 0 ? FormattableString.Invariant($"{bytes} B") : FormattableString.Invariant($"{value:0.0} {Units[unit]}");
    }

    /// <summary>A span of time in its largest fitting units.</summary>
    /// <param name="span">The time.</param>
    /// <returns>For example <c>3 d 4 h</c> or <c>12 min</c>.</returns>
    public static string Format(TimeSpan span) => span switch
    {
        { TotalDays: >= 1 } => FormattableString.Invariant($"{(int)span.TotalDays} d {span.Hours} h"),
        { TotalHours: >= 1 } => FormattableString.Invariant($"{span.Hours} h {span.Minutes} min"),
        { TotalMinutes: >= 1 } => FormattableString.Invariant($"{span.Minutes} min"),
        _ => FormattableString.Invariant($"{span.TotalSeconds:0.0} s"),
    };
}
