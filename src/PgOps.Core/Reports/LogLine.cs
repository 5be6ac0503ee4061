using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using PgOps.Core.Postgres.Connections;

namespace PgOps.Core.Reports;

/// <summary>A log message as one line of JSON, as -LogPath writes it; docs/log-format.md describes it.</summary>
public static class LogLine
{
    // The whole template is known by the event's id.
    private const string Template = "{OriginalFormat}";

    /// <summary>Writes the line: time (UTC), level, command, event, message, and the message's values by name.</summary>
    /// <param name="time">When it was said, in UTC.</param>
    /// <param name="level">Its level.</param>
    /// <param name="command">The command that said it.</param>
    /// <param name="eventId">The event's id and name; without an id they are left out.</param>
    /// <param name="message">The formatted message.</param>
    /// <param name="state">What the logger was given: the values, when it is a list of names with values.</param>
    /// <returns>UTF-8, without a line end. What looks like a password is hidden, in the values too.</returns>
    public static byte[] Write(DateTime time, LogLevel level, string command, EventId eventId, string message, object? state)
    {
        ArgumentNullException.ThrowIfNull(message);
        using var line = new MemoryStream();
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            json.WriteString("time", time);
            json.WriteString("level", level.ToString());
            json.WriteString("command", command);
            if (eventId.Id != 0)
            {
                json.WriteNumber("eventId", eventId.Id);
                json.WriteString("eventName", eventId.Name);
            }

            json.WriteString("message", Redaction.ByPattern.Apply(message));
            if (state is IEnumerable<KeyValuePair<string, object?>> values)
            {
                WriteValues(json, values);
            }

            json.WriteEndObject();
        }

        return line.ToArray();
    }

    private static void WriteValues(Utf8JsonWriter json, IEnumerable<KeyValuePair<string, object?>> values)
    {
        json.WriteStartObject("values");
        foreach (var (name, value) in values.Where(value => value.Key != Template))
        {
            json.WritePropertyName(JsonNamingPolicy.CamelCase.ConvertName(name));
            WriteValue(json, value);
        }

        json.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case bool truth:
                json.WriteBooleanValue(truth);
                break;
            case int number:
                json.WriteNumberValue(number);
                break;
            case long number:
                json.WriteNumberValue(number);
                break;
            case double number when double.IsFinite(number):
                json.WriteNumberValue(number);
                break;
            case TimeSpan seconds:
                json.WriteNumberValue(seconds.TotalSeconds);
                break;
            case DateTime time:
                json.WriteStringValue(time.ToUniversalTime());
                break;
            default:
                json.WriteStringValue(Redaction.ByPattern.Apply(Convert.ToString(value, CultureInfo.InvariantCulture) ?? ""));
                break;
        }
    }
}
