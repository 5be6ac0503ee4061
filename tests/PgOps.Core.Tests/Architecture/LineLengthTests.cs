namespace PgOps.Core.Tests.Architecture;

/// <summary>A line of code or of a script is seen whole: beside another file, and in a diff.</summary>
public sealed class LineLengthTests
{
    private const int Columns = 140;

    private static readonly string[] Folders = ["src", "module", "tests", "examples", "docs", ".ci"];

    private static readonly string[] Endings = [".cs", ".ps1", ".psm1", ".psd1", ".sh"];

    // They were being changed when the rule came. The list only shrinks.
    private static readonly string[] Older =
    [
        "src/PgOps.Core/Comparison/DatabaseFingerprint.cs",
        "src/PgOps.Core/Reports/ExportReport.cs",
        "src/PgOps.Core/Reports/HtmlStyle.cs",
        "src/PgOps.Core/Reports/IncidentFiles.cs",
        "src/PgOps.Core/Reports/JUnitReport.cs",
        "src/PgOps.Core/Reports/PostmortemDocument.cs",
        "src/PgOps.Core/Reports/ReportReader.cs",
        "src/PgOps.Core/Repository/Storage/S3Service.cs",
        "src/PgOps.Core/Restores/ArchiveRestore.cs",
        "tests/PgOps.Core.Tests/Support/FaultyS3.cs",
    ];

    [Fact]
    public void No_line_has_more_than_140_columns()
    {
        var root = Path.GetFullPath(Path.Combine(SourceFolder(), "..", "..", ".."));
        var files = Folders.SelectMany(folder => Directory.EnumerateFiles(Path.Combine(root, folder), "*", SearchOption.AllDirectories))
            .Concat(Directory.EnumerateFiles(root))
            .Select(path => Path.GetRelativePath(root, path).Replace('\\', '/'))
            .Where(file => Endings.Contains(Path.GetExtension(file)) && !file.Split('/').Any(part => part is "bin" or "obj"))
            .ToList();
        Assert.True(files.Count > 500, $"Only {files.Count} files were found.");
        Assert.Subset(files.ToHashSet(), Older.ToHashSet());

        var wrong = files.Except(Older).SelectMany(file => File.ReadLines(Path.Combine(root, file))
            .Select((line, index) => (Place: $"{file}:{index + 1}", line.Length))
            .Where(line => line.Length > Columns)
            .Select(line => $"{line.Place} has {line.Length}")).ToList();
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private static string SourceFolder([System.Runtime.CompilerServices.CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
