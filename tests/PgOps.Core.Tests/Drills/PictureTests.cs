using PgOps.Core.Drills;

namespace PgOps.Core.Tests.Drills;

/// <summary>The README's picture of a report counts the checks of a drill with a limit for its time.</summary>
public sealed class PictureTests
{
    [Fact]
    public void The_picture_of_the_report_shows_the_checks_that_a_drill_makes()
    {
        var file = Path.Combine(SourceFolder(), "..", "..", "..", "docs", "pictures", "report.txt");
        string[] made = [.. DrillSteps.Always, DrillLimits.Recovery];
        Assert.True(
            made.SequenceEqual(File.ReadAllLines(file)),
            "Make the pictures anew: ./build.ps1; ./docs/pictures/New-Pictures.ps1. A drill makes: " + string.Join(", ", made));
    }

    private static string SourceFolder([System.Runtime.CompilerServices.CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
