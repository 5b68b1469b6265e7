using System.Diagnostics.Metrics;
using System.Text;
using Puff.Server.Telemetry;
using Xunit;

namespace Puff.Server.Tests.Telemetry;

public class PrometheusExporterTests
{
    [Fact]
    public void Counters_gauges_and_histograms_are_printed()
    {
        using var meter = new Meter("Puff.Server");
        using var exporter = new PrometheusExporter(meter);
        var counter = meter.CreateCounter<long>("puff.test.requests", description: "Requests.");
        counter.Add(2, Tag("route", "/v1/{ns}"), Tag("status", "200"));
        counter.Add(3, Tag("route", "/v1/{ns}"), Tag("status", "200"));
        counter.Add(1, Tag("route", "a\"b\\c\nd"));
        meter.CreateObservableGauge("puff.test.bytes", () => 17L);
        meter.CreateUpDownCounter<long>("puff.test.in-flight").Add(-1);
        var durations = meter.CreateHistogram<double>("puff.test.seconds");
        durations.Record(0.001);
        durations.Record(0.3);
        durations.Record(100);

        string text = Encoding.UTF8.GetString(exporter.Render().Span);

        Assert.Contains("# HELP puff_test_requests_total Requests.\n# TYPE puff_test_requests_total counter\n", text, StringComparison.Ordinal);
        Assert.Contains("puff_test_requests_total{route=\"/v1/{ns}\",status=\"200\"} 5\n", text, StringComparison.Ordinal);
        Assert.Contains("puff_test_requests_total{route=\"a\\\"b\\\\c\\nd\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("# TYPE puff_test_bytes gauge\npuff_test_bytes 17\n", text, StringComparison.Ordinal);
        Assert.Contains("puff_test_in_flight -1\n", text, StringComparison.Ordinal);
        Assert.Contains("puff_test_seconds_bucket{le=\"0.0005\"} 0\n", text, StringComparison.Ordinal);
        Assert.Contains("puff_test_seconds_bucket{le=\"0.001\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("puff_test_seconds_bucket{le=\"0.25\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("puff_test_seconds_bucket{le=\"0.5\"} 2\n", text, StringComparison.Ordinal);
        Assert.Contains("puff_test_seconds_bucket{le=\"30\"} 2\n", text, StringComparison.Ordinal);
        Assert.Contains("puff_test_seconds_bucket{le=\"+Inf\"} 3\n", text, StringComparison.Ordinal);
        Assert.Contains("puff_test_seconds_count 3\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_servers_requests_and_other_libraries_are_not_counted()
    {
        using var own = new Meter("Puff.Server");
        using var exporter = new PrometheusExporter(own);
        using var other = new Meter("Puff.Server");
        using var library = new Meter("System.Net.Http");
        using var engine = new Meter("Puff.Engine");
        other.CreateCounter<long>("puff.stranger").Add(1);
        library.CreateCounter<long>("http.stranger").Add(1);
        engine.CreateCounter<long>("puff.store.requests.of.test").Add(4, Tag("purpose", "wal"));

        string text = Encoding.UTF8.GetString(exporter.Render().Span);

        Assert.DoesNotContain("stranger", text, StringComparison.Ordinal);
        Assert.Contains("puff_store_requests_of_test_total{purpose=\"wal\"} 4\n", text, StringComparison.Ordinal);
    }

    private static KeyValuePair<string, object?> Tag(string key, string value) => KeyValuePair.Create<string, object?>(key, value);
}
