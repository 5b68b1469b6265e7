using Puff.Engine.Queries;
using Puff.Server.Http;

namespace Puff.Server.Turbopuffer;

/// <summary>The answer to a recall measurement (turbopuffer-api 5.7).</summary>
internal static class RecallWriter
{
    public static void Write(JsonOutput output, RecallResult result)
    {
        output.BeginObject();
        output.Name("avg_recall"u8);
        output.Number(result.AverageRecall);
        output.Name("avg_exhaustive_count"u8);
        output.Number(result.AverageExhaustiveCount);
        output.Name("avg_ann_count"u8);
        output.Number(result.AverageAnnCount);
        if (result.GroundTruth is { } samples)
        {
            var values = new ValueWriter(output);
            output.Name("ground_truth"u8);
            output.BeginArray();
            foreach (var sample in samples)
            {
                output.BeginObject();
                output.Name("query_vector"u8);
                values.WriteVector(sample.QueryVector);
                output.Name("nearest_neighbors"u8);
                QueryWriter.WriteRows(output, values, sample.NearestNeighbors);
                output.EndObject();
            }

            output.EndArray();
        }

        output.EndObject();
    }
}
