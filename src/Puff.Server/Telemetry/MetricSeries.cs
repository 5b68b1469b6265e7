using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Puff.Server.Telemetry;

/// <summary>One combination of labels of an instrument: a number, or a histogram.</summary>
internal sealed class MetricSeries
{
    private readonly long[]? buckets;
    private double sum;
    private long count;

    public MetricSeries(bool isHistogram) => buckets = isHistogram ? new long[MetricFamily.BucketBounds.Length] : null;

    public void Add(double value)
    {
        lock (this)
        {
            sum += value;
        }
    }

    public void Set(double value)
    {
        lock (this)
        {
            sum = value;
        }
    }

    public void Observe(double value)
    {
        int bucket = MetricFamily.BucketBounds.AsSpan().BinarySearch(value);
        bucket = bucket < 0 ? ~bucket : bucket;
        lock (this)
        {
            sum += value;
            count++;
            if (bucket < buckets!.Length)
            {
                buckets[bucket]++;
            }
        }
    }

    public void Write(StringBuilder text, string name, string labels)
    {
        lock (this)
        {
            if (buckets is null)
            {
                WriteSample(text, name, labels, sum);
                return;
            }

            long below = 0;
            string separator = labels.Length == 0 ? "" : ",";
            for (int i = 0; i < buckets.Length; i++)
            {
                below += buckets[i];
                string bound = MetricFamily.BucketBounds[i].ToString(CultureInfo.InvariantCulture);
                WriteSample(text, name + "_bucket", $"{labels}{separator}le=\"{bound}\"", below);
            }

            WriteSample(text, name + "_bucket", $"{labels}{separator}le=\"+Inf\"", count);
            WriteSample(text, name + "_sum", labels, sum);
            WriteSample(text, name + "_count", labels, count);
        }
    }

    private static void WriteSample(StringBuilder text, string name, string labels, double value)
    {
        text.Append(name);
        if (labels.Length > 0)
        {
            text.Append('{').Append(labels).Append('}');
        }

        text.Append(CultureInfo.InvariantCulture, $" {value}\n");
    }
}

/// <summary>One instrument with all its series.</summary>
internal sealed class MetricFamily
{
    /// <summary>More label combinations than this are a mistake of ours; they are added up under one label.</summary>
    private const int MaxSeries = 1_000;

    private readonly ConcurrentDictionary<string, MetricSeries> series = new(StringComparer.Ordinal);
    private readonly Kind kind;
    private readonly string name;
    private readonly string help;

    public MetricFamily(Instrument instrument)
    {
        var type = instrument.GetType().GetGenericTypeDefinition();
        bool isCounter = type == typeof(Counter<>) || type == typeof(ObservableCounter<>);
        bool adds = type == typeof(Counter<>) || type == typeof(UpDownCounter<>);
        kind = type == typeof(Histogram<>) ? Kind.Histogram : adds ? Kind.Sum : Kind.Last;
        name = instrument.Name.Replace('.', '_').Replace('-', '_') + (isCounter ? "_total" : "");
        help = instrument.Description ?? "";
        PrometheusType = kind == Kind.Histogram ? "histogram" : isCounter ? "counter" : "gauge";
    }

    private enum Kind
    {
        Sum,
        Last,
        Histogram,
    }

    /// <summary>Upper bounds of histogram buckets, in seconds.</summary>
    public static double[] BucketBounds { get; } = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

    public string Name => name;

    private string PrometheusType { get; }

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        string labels = Labels(tags);
        if (!series.TryGetValue(labels, out var cell))
        {
            cell = series.GetOrAdd(series.Count < MaxSeries ? labels : "overflow=\"true\"", static (_, kind) => new MetricSeries(kind == Kind.Histogram), kind);
        }

        switch (kind)
        {
            case Kind.Sum:
                cell.Add(value);
                break;
            case Kind.Last:
                cell.Set(value);
                break;
            default:
                cell.Observe(value);
                break;
        }
    }

    public void Write(StringBuilder text)
    {
        text.Append($"# HELP {name} {help}\n# TYPE {name} {PrometheusType}\n");
        foreach (var (labels, cell) in series.OrderBy(s => s.Key, StringComparer.Ordinal))
        {
            cell.Write(text, name, labels);
        }
    }

    private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty)
        {
            return "";
        }

        var text = new StringBuilder();
        foreach (var (key, value) in tags)
        {
            text.Append(text.Length == 0 ? "" : ",").Append(key.Replace('.', '_')).Append("=\"").Append(Escape(value?.ToString() ?? "")).Append('"');
        }

        return text.ToString();
    }

    private static string Escape(string value) => value
        .Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("\"", "\\\"", StringComparison.Ordinal)
        .Replace("\n", "\\n", StringComparison.Ordinal);
}
