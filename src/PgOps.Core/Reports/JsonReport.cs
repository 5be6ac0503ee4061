using System.Text.Json;
using System.Text.Json.Serialization;

namespace PgOps.Core.Reports;

/// <summary>
/// The report as JSON, format <c>pgops-report/1</c> (docs/report-format.md): names in camelCase, times in UTC, spans in seconds.
/// </summary>
internal static class JsonReport
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase), new Seconds() },
    };

    internal static string Write(Report report) => JsonSerializer.Serialize(report, Options) + "\n";

    private sealed class Seconds : JsonConverter<TimeSpan>
    {
        public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
            => TimeSpan.FromSeconds(reader.GetDouble());

        public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options)
            => writer.WriteNumberValue(Math.Round(value.TotalSeconds, 3));
    }
}
