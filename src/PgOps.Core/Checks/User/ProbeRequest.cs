using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace PgOps.Core.Checks.User;

/// <summary>A probe's request as it goes out: placeholders filled, the body as JSON or as a form.</summary>
internal sealed class ProbeRequest
{
    private const string Json = "application/json";
    private const string Form = "application/x-www-form-urlencoded";
    private const string ContentType = "Content-Type";

    private readonly HttpProbe _probe;
    private readonly ProbeValues _values;

    private ProbeRequest(HttpProbe probe, ProbeValues values)
    {
        _probe = probe;
        _values = values;
    }

    /// <summary>Makes the message.</summary>
    /// <exception cref="FormatException">A value cannot be sent; it is not repeated.</exception>
    internal static HttpRequestMessage Of(HttpProbe probe, ProbeValues values) => new ProbeRequest(probe, values).Message();

    private HttpRequestMessage Message()
    {
        var message = new HttpRequestMessage(new HttpMethod(_probe.Method), Url()) { Content = Content() };
        if (_probe.ReadsJson && !_probe.Headers.Any(header => Is(header.Key, "Accept")))
        {
            _ = message.Headers.TryAddWithoutValidation("Accept", Json);
        }

        foreach (var (name, value) in _probe.Headers.Where(header => !Is(header.Key, ContentType)))
        {
            var text = Header(name, value);
            if (!message.Headers.TryAddWithoutValidation(name, text)
                && message.Content?.Headers.TryAddWithoutValidation(name, text) != true)
            {
                message.Dispose();
                throw new FormatException($"the header {name} cannot be sent with this request");
            }
        }

        return message;
    }

    private Uri Url() => Uri.TryCreate(_values.Fill(_probe.Uri, Uri.EscapeDataString), UriKind.Absolute, out var url)
        ? url
        : throw new FormatException("with its placeholders filled it is not a URL");

    private string Header(string name, object? value)
    {
        var text = _values.Sent(value, name, part => part);
        return text.Any(char.IsControl) ? throw new FormatException($"the header {name} would hold a control character") : text;
    }

    private StringContent? Content()
    {
        if (_probe.Body is not { } body)
        {
            return null;
        }

        var type = _probe.Headers.Where(header => Is(header.Key, ContentType)).Select(header => Header(header.Key, header.Value))
            .FirstOrDefault() ?? TypeOf(body);
        var json = type.Contains("json", StringComparison.OrdinalIgnoreCase);
        var form = type.StartsWith(Form, StringComparison.OrdinalIgnoreCase);
        var text = body is string or PgSecret
            ? _values.Sent(body, nameof(HttpProbe.Body), part => json ? InJson(part) : form ? Uri.EscapeDataString(part) : part)
            : json ? ToJson(body)
            : form && body is List<KeyValuePair<string, object?>> pairs ? ToForm(pairs)
            : throw new FormatException($"its Body is a table or a list, which becomes JSON or a form, not {type}");
        var content = new StringContent(text, new UTF8Encoding(false));
        content.Headers.Remove(ContentType);
        _ = content.Headers.TryAddWithoutValidation(ContentType, type);
        return content;
    }

    private static string TypeOf(object body)
        => body is PgSecret || (body is string text && text.TrimStart() is not ['{' or '[', ..]) ? Form : Json;

    private string ToForm(List<KeyValuePair<string, object?>> pairs) => string.Join('&', pairs.Select(pair =>
        $"{Uri.EscapeDataString(pair.Key)}={Uri.EscapeDataString(_values.Sent(Flat(pair), pair.Key, part => part))}"));

    private static object? Flat(KeyValuePair<string, object?> pair) => pair.Value switch
    {
        List<KeyValuePair<string, object?>> or List<object?> => throw new FormatException($"{pair.Key} in its form is not a text"),
        bool truth => truth ? "true" : "false",
        var value => value,
    };

    private string ToJson(object body)
    {
        using var memory = new MemoryStream();
        using (var writer = new Utf8JsonWriter(memory, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            Write(writer, "", body);
        }

        return Encoding.UTF8.GetString(memory.ToArray());
    }

    private void Write(Utf8JsonWriter writer, string name, object? value)
    {
        switch (value)
        {
            case List<KeyValuePair<string, object?>> pairs:
                writer.WriteStartObject();
                foreach (var pair in pairs)
                {
                    writer.WritePropertyName(pair.Key);
                    Write(writer, pair.Key, pair.Value);
                }

                writer.WriteEndObject();
                break;
            case List<object?> list:
                writer.WriteStartArray();
                list.ForEach(item => Write(writer, name, item));
                writer.WriteEndArray();
                break;
            case null:
                writer.WriteNullValue();
                break;
            case bool truth:
                writer.WriteBooleanValue(truth);
                break;
            case string or PgSecret:
                writer.WriteStringValue(_values.Sent(value, name, part => part));
                break;
            default:
                writer.WriteRawValue(Convert.ToString(value, CultureInfo.InvariantCulture)!);
                break;
        }
    }

    private static string InJson(string value) => JsonEncodedText.Encode(value, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString();

    private static bool Is(string name, string header) => string.Equals(name, header, StringComparison.OrdinalIgnoreCase);
}
