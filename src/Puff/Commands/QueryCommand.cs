using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Puff.Client;
using Puff.Output;

namespace Puff.Commands;

/// <summary>`puff query`: from flags, or a whole request body as JSON.</summary>
internal sealed class QueryCommand
{
    private const int FusedCandidates = 50;

    private readonly Argument<string> name = NamespaceCommands.NamespaceArgument();

    private readonly Option<string> vector = new("--vector")
    {
        Description = "Nearest neighbours of this vector: a JSON array, base64, or @FILE with either.", HelpName = "VECTOR",
    };

    private readonly Option<string> attribute = new("--attribute")
    {
        Description = "Vector attribute --vector is compared with.", DefaultValueFactory = _ => "vector",
    };

    private readonly Option<string> text = new("--text")
    {
        Description = "Best matches of these words (BM25); with --vector both rankings are fused.", HelpName = "WORDS",
    };

    private readonly Option<string> textAttribute = new("--text-attribute")
    {
        Description = "Attribute with a full-text index that --text is searched in.", DefaultValueFactory = _ => "text",
    };

    private readonly Option<string> rankBy = new("--rank-by") { Description = "Ranking as JSON, for example '[\"id\",\"asc\"]'.", HelpName = "JSON" };

    private readonly Option<string> filter = new("--filter") { Description = "Filter as JSON, for example '[\"year\",\"Gte\",2020]'.", HelpName = "JSON" };

    private readonly Option<int?> limit = new("--limit") { Description = "Rows wanted. [default: 10]", HelpName = "N" };

    private readonly Option<string> include = new("--include")
    {
        Description = "Attributes to return: all, none, or names separated by commas. [default: none]",
    };

    private readonly Option<string> consistency = new("--consistency") { Description = "strong or eventual. [default: strong]" };

    private readonly Option<string> body = new("--json")
    {
        Description = "The whole request body from a file (- for standard input); no other query flag then.", HelpName = "FILE",
    };

    private readonly Option<bool> explain = new("--explain") { Description = "Print the plan instead of the rows." };

    public static Command Create(Terminal terminal)
    {
        var parts = new QueryCommand();
        var command = new PuffCommand("query", "Search a namespace.", PuffCommand.ClientSettings, terminal, parts.RunAsync);
        command.Add(parts.name);
        command.Add(parts.vector);
        command.Add(parts.attribute);
        command.Add(parts.text);
        command.Add(parts.textAttribute);
        command.Add(parts.rankBy);
        command.Add(parts.filter);
        command.Add(parts.limit);
        command.Add(parts.include);
        command.Add(parts.consistency);
        command.Add(parts.body);
        command.Add(parts.explain);
        return command;
    }

    private async Task<ExitCode> RunAsync(CommandContext context)
    {
        byte[] request = context.Get(body) is { } file ? await ReadBodyAsync(context, file) : JsonSerializer.SerializeToUtf8Bytes(Build(context));
        using PuffClient client = context.Connect();
        string path = PuffClient.NamespacePath(2, context.Get(name), context.Get(explain) ? "/explain_query" : "/query");
        using JsonDocument answer = await client.PostAsync(path, request, context.Cancellation);
        if (answer.RootElement.TryGetProperty("plan_text", out JsonElement plan) && context.Results().Format == OutputFormat.Table)
        {
            context.Terminal.Results.WriteLine(plan.GetString());
        }
        else
        {
            context.Results().WriteAnswer(answer.RootElement);
        }

        return ExitCode.Done;
    }

    private async Task<byte[]> ReadBodyAsync(CommandContext context, string file)
    {
        Option[] others = [vector, text, rankBy, filter, limit, include, consistency];
        if (others.FirstOrDefault(option => context.Arguments.GetResult(option) is { Implicit: false }) is { } both)
        {
            throw new CommandException(ExitCode.Usage, $"--json is the whole request; leave {both.Name} out or put it into the JSON");
        }

        return await context.ReadInputAsync(file);
    }

    private JsonObject Build(CommandContext context)
    {
        JsonArray[] rankings = [.. Rankings(context)];
        int rows = context.Get(limit) ?? 10;
        JsonObject request = rankings.Length == 1 ? Ranked(context, rankings[0], rows) : new JsonObject
        {
            // Fusion needs more of each ranking than it returns: a row that both know beats one that a single ranking likes best.
            ["queries"] = new JsonArray([.. rankings.Select(ranking => Ranked(context, ranking, Math.Max(rows, FusedCandidates)))]),
            ["rerank_by"] = new JsonArray("RRF"),
            ["limit"] = rows,
        };
        if (context.Get(consistency) is { } level)
        {
            request["consistency"] = new JsonObject { ["level"] = level };
        }

        return request;
    }

    private IEnumerable<JsonArray> Rankings(CommandContext context)
    {
        string? vectorText = context.Get(vector);
        string? words = context.Get(text);
        if (context.Get(rankBy) is { } rankText)
        {
            yield return vectorText == null && words == null
                ? JsonInput.Parse(rankText, "--rank-by") as JsonArray ?? throw new CommandException(ExitCode.Usage, "--rank-by: a ranking is a JSON array")
                : throw new CommandException(ExitCode.Usage, $"give {(words == null ? "--vector" : "--text")} or --rank-by, not both");
            yield break;
        }

        if (vectorText != null)
        {
            yield return new JsonArray(context.Get(attribute)!, "ANN", Vector(vectorText));
        }

        if (words != null)
        {
            yield return new JsonArray(context.Get(textAttribute)!, "BM25", words);
        }

        if (vectorText == null && words == null)
        {
            yield return new JsonArray("id", "asc");
        }
    }

    private JsonObject Ranked(CommandContext context, JsonArray ranking, int rows)
    {
        var query = new JsonObject { ["rank_by"] = ranking, ["limit"] = rows };
        if (context.Get(filter) is { } filterText)
        {
            query["filters"] = JsonInput.Parse(filterText, "--filter");
        }

        if (context.Get(include) is { } names)
        {
            query["include_attributes"] = JsonInput.Attributes(names);
        }

        return query;
    }

    private static JsonNode Vector(string text)
    {
        string written = (text.StartsWith('@') ? File.ReadAllText(text[1..]) : text).Trim();
        return written.StartsWith('[') ? JsonInput.Parse(written, "--vector") : JsonValue.Create(written.Trim('"'));
    }
}
