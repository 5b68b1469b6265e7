using System.Diagnostics.Metrics;
using System.Text;

namespace Puff.Server.Telemetry;

/// <summary>
/// Listens to this server's instruments and to those of the engine and its stores (every meter called Puff.…), and prints them in the text format that
/// Prometheus reads.
/// </summary>
internal sealed class PrometheusExporter : IDisposable
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private const string MeterPrefix = "Puff.";

    private readonly MeterListener listener = new();
    private readonly List<MetricFamily> families = [];
    private readonly Meter own;

    public PrometheusExporter(Meter own)
    {
        this.own = own;
        listener.InstrumentPublished = Subscribe;
        listener.SetMeasurementEventCallback<long>((_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        listener.SetMeasurementEventCallback<int>((_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        listener.SetMeasurementEventCallback<double>((_, value, tags, family) => ((MetricFamily)family!).Record(value, tags));
        listener.Start();
    }

    public void Dispose() => listener.Dispose();

    public ReadOnlyMemory<byte> Render()
    {
        listener.RecordObservableInstruments();
        MetricFamily[] current;
        lock (families)
        {
            current = [.. families.OrderBy(f => f.Name, StringComparer.Ordinal)];
        }

        var text = new StringBuilder();
        foreach (var family in current)
        {
            family.Write(text);
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private void Subscribe(Instrument instrument, MeterListener subscriber)
    {
        // Another server of the same process has a meter of the same name; its requests are not ours.
        bool isWanted = instrument.Meter.Name == own.Name ? instrument.Meter == own : instrument.Meter.Name.StartsWith(MeterPrefix, StringComparison.Ordinal);
        if (!isWanted)
        {
            return;
        }

        var family = new MetricFamily(instrument);
        lock (families)
        {
            families.Add(family);
        }

        subscriber.EnableMeasurementEvents(instrument, family);
    }
}
